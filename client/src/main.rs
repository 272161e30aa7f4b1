//! The client at work: against a server of its own, or one that the user names.

#![forbid(unsafe_code)]

mod options;

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use client::Client;
use client::server::Server;
use futures_lite::StreamExt;
use smol::Unblock;
use smol::io::{AsyncBufReadExt, BufReader};
use taskpen::scope;

use options::{HELP, Request};

/// How many commands of the user may be in flight. Further ones are not read.
const AT_ONCE: usize = 100;

fn main() -> ExitCode {
    let outcome = match options::parse(env::args_os().skip(1)) {
        Ok(Request::Help) => {
            say(HELP.trim_end());
            Ok(())
        }
        Ok(Request::Demo) => smol::block_on(demo()).map_err(|message| (message, 1)),
        Ok(Request::Connect(address)) => {
            smol::block_on(converse(&address)).map_err(|message| (message, 1))
        }
        Err(message) => Err((message, 2)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err((message, code)) => {
            let _ = writeln!(io::stderr(), "client: {message}");
            ExitCode::from(code)
        }
    }
}

/// Shows what the client does. An error is a message for the user.
async fn demo() -> Result<(), String> {
    let server = Server::start("127.0.0.1:0").await;
    let server = server.map_err(|error| format!("cannot listen: {error}"))?;
    let client = connect(&server.address().to_string()).await?;
    say(format!("connected to {}", server.address()));

    say("four requests at the same time, as the answers come:");
    ask_all(
        &client,
        &["sleep 200", "sleep 100", "upper hello", "echo hello"],
    )
    .await;

    say("the server cuts the connection, with a request in flight:");
    ask_all(&client, &["sleep 200", "quit"]).await;

    say("the next request waits for a new connection:");
    ask(&client, "echo here again").await;

    client.close().await;
    say("closed");
    Ok(())
}

/// Reads commands from stdin, and prints the answers as they come.
async fn converse(address: &str) -> Result<(), String> {
    let client = connect(address).await?;
    let mut lines = BufReader::new(Unblock::new(io::stdin())).lines();
    let end = scope(async |s| {
        let mut commands = s.join_set();
        while let Some(line) = lines.next().await {
            let line = line.map_err(|error| format!("cannot read stdin: {error}"))?;
            commands.wait_below(AT_ONCE).await;
            let client = &client;
            commands.spawn(async move { ask(client, &line).await });
        }
        commands.wait_below(1).await;
        Ok(())
    });
    let end = end.await;
    client.close().await;
    end
}

async fn connect(address: &str) -> Result<Client, String> {
    let connected = Client::connect(address).await;
    connected.map_err(|error| format!("cannot connect to {address}: {error}"))
}

async fn ask_all(client: &Client, commands: &[&str]) {
    scope(async |s| {
        for command in commands {
            s.spawn(ask(client, command));
        }
    })
    .await;
}

async fn ask(client: &Client, command: &str) {
    match client.request(command).await {
        Ok(reply) => say(format!("  {command}: {reply}")),
        Err(error) => say(format!("  {command}: no answer: {error}")),
    }
}

/// Prints a line, unless nobody listens any more.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
