//! The program as a user runs it, with clients in flight: what a signal does to them.
#![cfg(unix)]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_shutdown");

/// No test takes this long, unless something hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// A grace time that no test lives to see the end of.
const FOR_EVER: &str = "1e9";

/// The program while it runs.
struct Service {
    process: Child,
    lines: Receiver<String>,
    address: SocketAddr,
}

impl Service {
    fn start(grace: &str) -> Self {
        Self::start_at("127.0.0.1:0", grace)
    }

    fn start_at(address: &str, grace: &str) -> Self {
        let mut program = Command::new(PROGRAM);
        program.args(["--listen", address, "--grace", grace]);
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = program.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (sender, receiver) = channel();
        thread::spawn(move || {
            for line in lines {
                let _ = sender.send(line.unwrap());
            }
        });
        let mut service = Self {
            process,
            lines: receiver,
            address: ([127, 0, 0, 1], 0).into(),
        };
        let line = service.line();
        let address = line.strip_prefix("listening on ").unwrap();
        service.address = address.parse().unwrap();
        service
    }

    /// The next line that the program says.
    fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("another line")
    }

    fn signal(&self, name: &str) {
        let id = self.process.id();
        // A shell has this built in, wherever there is no such program.
        let kill = format!("kill -{name} {id}");
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Client(stream)
    }

    /// Sends a request, and waits until the program has seen it.
    fn ask(&self, head: &str, body: &str) -> Client {
        let client = self.connect();
        client.send(head, body);
        assert_eq!(self.line(), head);
        client
    }

    fn assert_refuses(&self) {
        let error = TcpStream::connect(self.address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }

    /// The program says `last`, nothing more, and ends well.
    fn assert_ends(mut self, last: &str) {
        assert_eq!(self.line(), last);
        assert!(self.lines.recv_timeout(LIMIT).is_err(), "{last} is the end");
        let mut complaint = String::new();
        let mut stderr = self.process.stderr.take().unwrap();
        stderr.read_to_string(&mut complaint).unwrap();
        assert_eq!(complaint, "");
        assert!(self.process.wait().unwrap().success());
    }
}

/// A test that fails leaves no process behind.
impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Client(TcpStream);

impl Client {
    /// Sends the head of a request whose body is `MESSAGE`, if it is a POST, and as much of that.
    fn send(&self, head: &str, body: &str) {
        let length = if head.starts_with("POST") {
            MESSAGE.len()
        } else {
            0
        };
        let request =
            format!("{head} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
        (&self.0).write_all(request.as_bytes()).unwrap();
    }

    fn send_rest(&self, body: &str) {
        (&self.0).write_all(body.as_bytes()).unwrap();
    }

    /// What comes, up to and with `end`.
    fn read_until(&mut self, end: &str) {
        let mut text = Vec::new();
        while !text.ends_with(end.as_bytes()) {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            text.extend(byte);
        }
    }

    /// All that comes until the connection is closed.
    fn rest(mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }

    /// An answer comes that has `body`, and then the connection is closed. Gives the head.
    fn assert_last_answer(self, body: &str) -> String {
        let answer = self.rest();
        let head = answer.strip_suffix(&format!("\r\n\r\n{body}"));
        let head = head.unwrap_or_else(|| panic!("{body:?}: {answer:?}"));
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
        head.to_owned()
    }
}

const MESSAGE: &str = "hello, everybody";

/// What is in flight when a signal comes is answered, whatever it waits for, and then the program
/// ends. Connections are refused from the moment at which it says that it stops, and idle ones are
/// closed.
#[test]
fn drained() {
    for signal in ["TERM", "INT"] {
        let service = Service::start(FOR_EVER);
        let silent = service.connect();
        let mut idle = service.ask("GET /", "");
        idle.read_until("there is only /next\n");
        let waiting = [(); 50].map(|()| service.ask("GET /next", ""));
        let (hello, everybody) = MESSAGE.split_at(5);
        let sending = service.ask("POST /next", hello);

        service.signal(signal);
        assert_eq!(service.line(), "stopping: 51 in flight");
        service.assert_refuses();
        assert_eq!(silent.rest(), "");
        assert_eq!(idle.rest(), "");

        sending.send_rest(everybody);
        sending.assert_last_answer("heard by 50\n");
        for client in waiting {
            let head = client.assert_last_answer(MESSAGE);
            assert!(head.contains("\r\nconnection: close\r\n"), "{head:?}");
        }
        service.assert_ends("drained");
    }
}

/// A request that is not done when the grace time is over is cut off, and keeps nobody waiting.
#[test]
fn cut_off() {
    for signal in ["TERM", "INT"] {
        let service = Service::start("0.05");
        let stragglers = [
            service.ask("GET /next", ""),
            service.ask("GET /next", ""),
            service.ask("POST /next", "hel"),
        ];
        service.signal(signal);
        assert_eq!(service.line(), "stopping: 3 in flight");
        for straggler in stragglers {
            assert_eq!(straggler.rest(), "");
            let line = service.line();
            assert!(
                line.starts_with("not done: child \"connection 127.0.0.1:"),
                "{line}"
            );
            assert!(line.contains("suspended"), "{line}");
        }
        service.assert_ends("cut off 3");
    }
}

/// SIGUSR1 shows what is running, in the middle of whatever it does, and changes nothing.
#[test]
fn tree_on_a_signal() {
    let service = Service::start(FOR_EVER);
    let asking = service.ask("GET /next", "");
    let port = asking.0.local_addr().unwrap().port();
    let show = || {
        service.signal("USR1");
        let root = service.line();
        assert!(
            root.starts_with("scope \"service\"  shutdown/src/service.rs:"),
            "{root}"
        );
        let child = service.line();
        let name = format!("└─ child \"connection 127.0.0.1:{port}\"  shutdown/src/service.rs:");
        assert!(child.starts_with(&name), "{child}");
    };
    show();
    service.signal("TERM");
    assert_eq!(service.line(), "stopping: 1 in flight");
    show();
    service.signal("INT");
    assert!(service.line().starts_with("not done: "));
    service.assert_ends("cut off 1");
}

/// Nobody has to wait for the grace time to pass: a second signal cuts off at once.
#[test]
fn second_signal() {
    let service = Service::start(FOR_EVER);
    let straggler = service.ask("GET /next", "");
    service.signal("TERM");
    assert_eq!(service.line(), "stopping: 1 in flight");
    service.signal("INT");
    assert_eq!(straggler.rest(), "");
    assert!(service.line().starts_with("not done: "));
    service.assert_ends("cut off 1");
}

/// Clients that have connected and asked before the signal are answered, also if the program has
/// got to none of it when the signal comes.
#[test]
fn connected_but_not_accepted() {
    let service = Service::start(FOR_EVER);
    service.signal("STOP");
    let clients = [(); 5].map(|()| {
        let client = service.connect();
        client.send("POST /next", MESSAGE);
        client
    });
    service.signal("TERM");
    service.signal("CONT");
    let mut lines: Vec<_> = (0..6).map(|_| service.line()).collect();
    lines.retain(|line| line != "POST /next");
    assert!(lines[0].starts_with("stopping: "), "{lines:?}");
    for client in clients {
        client.assert_last_answer("heard by 0\n");
    }
    service.assert_ends("drained");
}

/// Without a client there is nothing to wait for.
#[test]
fn nothing_in_flight() {
    let service = Service::start(FOR_EVER);
    service.signal("TERM");
    assert_eq!(service.line(), "stopping: 0 in flight");
    service.assert_ends("drained");
}

/// Until it is asked to stop the service answers request after request, and survives clients that
/// go away or talk nonsense.
#[test]
fn serving() {
    let service = Service::start(FOR_EVER);
    drop(service.ask("GET /next", ""));
    let nonsense = service.connect();
    nonsense.send_rest("this is no HTTP\r\n\r\n");
    assert!(nonsense.rest().starts_with("HTTP/1.1 400 "));

    let client = service.ask("POST /next", MESSAGE);
    for _ in 0..3 {
        client.send("POST /next", MESSAGE);
        assert_eq!(service.line(), "POST /next");
    }
    client.send("DELETE /next", "");
    assert_eq!(service.line(), "DELETE /next");
    service.signal("TERM");
    assert!(service.line().starts_with("stopping: "));
    let answers = client.rest();
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 4);
    assert_eq!(answers.matches("HTTP/1.1 405 ").count(), 1);
    service.assert_ends("drained");
}

fn finish(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

/// The help names every option, bad usage is answered with a message that names it.
#[test]
fn usage() {
    let help = finish(&["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(help.status.success());
    assert!(["--listen ADDR ", "--grace S "].map(|option| text.contains(option)) == [true; 2]);

    let cases: [(&[&str], &str); 12] = [
        (&["--frob"], "'--frob'"),
        (&["8080"], "\"8080\""),
        (&["--listen"], "'--listen'"),
        (
            &["--listen", "localhost"],
            "a name or an address, and a port",
        ),
        (&["--listen", ":8080"], "a name or an address, and a port"),
        (
            &["--listen", "localhost:http"],
            "a name or an address, and a port",
        ),
        (&["--listen", "localhost:65536"], "ports go up to 65535"),
        (
            &["--listen", "localhost:99999999999"],
            "ports go up to 65535",
        ),
        (
            &["--grace", "1e400"],
            "`--grace` takes 18446744073709551615 at most, and \"1e400\" is more",
        ),
        (&["--grace", "soon"], "`--grace` takes a number of seconds"),
        (&["--grace", "-1"], "`--grace` takes a number of seconds"),
        (&["--grace", "nan"], "`--grace` takes a number of seconds"),
    ];
    for (arguments, message) in cases {
        assert_failure(&finish(arguments), 2, message);
    }
}

/// A name is looked up, and one of its addresses taken.
#[test]
fn name_of_an_address() {
    let service = Service::start_at("localhost:0", FOR_EVER);
    assert!(service.address.ip().is_loopback());
    assert_ne!(service.address.port(), 0);
    drop(service.ask("GET /next", ""));
    service.signal("TERM");
    assert!(service.line().starts_with("stopping: "));
    service.assert_ends("drained");
}

/// A name that nothing has is named.
#[test]
fn name_of_nothing() {
    let message = "cannot listen on nothing.invalid:80: ";
    assert_failure(&finish(&["--listen", "nothing.invalid:80"]), 1, message);
}

/// An address that cannot be had is named.
#[test]
fn address_in_use() {
    let service = Service::start(FOR_EVER);
    let address = service.address.to_string();
    let message = format!("cannot listen on {address}: ");
    assert_failure(&finish(&["--listen", &address]), 1, &message);
}

fn assert_failure(output: &Output, code: i32, message: &str) {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}: {output:?}");
    assert!(complaint.starts_with("shutdown: "), "{output:?}");
    assert!(complaint.contains(message), "{message}: {output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
}
