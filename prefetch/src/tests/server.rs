//! The built-in server: what it gives away and what not, and that its
//! connections end with it.

use std::time::Duration;

use async_std::net::TcpStream;
use futures_lite::future::or;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use crate::server::Server;
use crate::site::Site;

use super::stub::{Directory, block_on};

/// Runs a test beside a server of the folder `site` in a directory with a secret.
fn beside(name: &str, test: impl AsyncFnOnce(&Server, &Directory)) {
    let files: [(&str, &[u8]); 5] = [
        ("site/index.html", b"<p>start"),
        ("site/sub/index.html", b"<p>sub"),
        ("site/a b/é.html", b"<p>names"),
        ("site/style.css", b"p {}"),
        ("secret.html", b"secret"),
    ];
    let directory = Directory::new(name, &files);
    let site = Site::below(&directory.path().join("site")).unwrap();
    block_on(async {
        let server = Server::bind(site, Duration::ZERO).await.unwrap();
        let test = async {
            test(&server, &directory).await;
        };
        or(test, server.serve()).await;
    });
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address().unwrap()).await.unwrap()
}

/// Asks on a connection of its own; gives all that comes back.
async fn ask(server: &Server, line: &str) -> String {
    let mut stream = connect(server).await;
    let request = format!("{line}\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Files are served by their path, with their type and length.
#[test]
fn files() {
    beside("files", async |server, _| {
        let cases = [
            ("/index.html", "text/html", "<p>start"),
            ("/", "text/html", "<p>start"),
            ("/sub/", "text/html", "<p>sub"),
            ("/sub/index.html?query", "text/html", "<p>sub"),
            ("/a%20b/%C3%A9.html", "text/html", "<p>names"),
            ("//style.css", "text/css", "p {}"),
        ];
        for (path, kind, body) in cases {
            let answer = ask(server, &format!("GET {path} HTTP/1.1")).await;
            assert!(
                answer.starts_with("HTTP/1.1 200 OK\r\n"),
                "{path}: {answer}"
            );
            assert!(
                answer.contains(&format!("content-type: {kind}")),
                "{path}: {answer}"
            );
            let length = format!("content-length: {}\r\n", body.len());
            assert!(answer.contains(&length), "{path}: {answer}");
            assert!(
                answer.ends_with(&format!("\r\n\r\n{body}")),
                "{path}: {answer}"
            );
        }
        let answer = ask(server, "HEAD / HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"));
    });
}

/// Nothing outside of the directory is served, however it is named, and nothing but files.
#[test]
fn traversal() {
    beside("traversal", async |server, directory| {
        let absolute = directory.path().join("secret.html");
        let absolute = absolute.to_str().unwrap();
        let mut paths = [
            "/../secret.html",
            "/sub/../../secret.html",
            "/%2e%2e/secret.html",
            "/..%2fsecret.html",
            "/..%5csecret.html",
            "/%2fsecret.html",
            // These stay inside, but no path with such names is even looked up.
            "/sub/../index.html",
            "/sub%2findex.html",
            "/./index.html",
            "/.",
            "/sub",
            "/missing.html",
            "/index.html%00",
            "/%",
            "/%2",
            "/%+e",
            "/%ff.html",
        ]
        .map(str::to_owned)
        .to_vec();
        paths.push(format!("/{absolute}"));
        paths.push(format!("/{}", absolute.replace('/', "%2f")));
        #[cfg(unix)]
        {
            let link = directory.path().join("site/link.html");
            std::os::unix::fs::symlink("../secret.html", link).unwrap();
            paths.push("/link.html".to_owned());
        }
        for path in paths {
            let answer = ask(server, &format!("GET {path} HTTP/1.1")).await;
            assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        }
    });
}

/// What is not a request for a page is refused, and the server goes on.
#[test]
fn bad_requests() {
    beside("bad-requests", async |server, _| {
        let answer = ask(server, "POST / HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
        let answer = ask(server, "this is no HTTP").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        drop(connect(server).await);
        let answer = ask(server, "GET / HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    });
}

/// L3, A7: the connections that a server keeps open for more requests are closed when the server
/// is dropped.
#[test]
fn connections_end_with_the_server() {
    let site = Site::of_this_crate();
    block_on(async {
        let server = Server::bind(site, Duration::ZERO).await.unwrap();
        let ask_twice = async {
            let mut stream = connect(&server).await;
            for _ in 0..2 {
                let request = b"HEAD /index.html HTTP/1.1\r\nHost: x\r\n\r\n";
                stream.write_all(request).await.unwrap();
                let mut answer = Vec::new();
                while !answer.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).await.unwrap();
                    answer.push(byte[0]);
                }
                assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
            }
            stream
        };
        let never = async {
            server.serve().await;
            unreachable!("a server serves until it is dropped")
        };
        let mut stream = or(ask_twice, never).await;
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    });
}

/// A directory without a page to start at is no site, and a file neither; the message names it.
#[test]
fn no_site() {
    let directory = Directory::new("no-site", &[("other.html", b"")]);
    let missing = directory.path().join("missing");
    let file = directory.path().join("other.html");
    for path in [directory.path(), &missing, &file] {
        let message = Site::below(path).unwrap_err();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
    }
}
