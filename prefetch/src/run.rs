//! One run of the program: the server, the walk, and the counting before and after.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Barrier};
use std::thread::available_parallelism;
use std::time::Instant;

use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use futures_lite::future::or;
use taskpen::scope;
use tracing::Instrument;
use url::Url;

use super::ahead::ReadAhead;
use super::automator::{Automator, OnDemand, Shared};
use super::client::{Client, FetchError};
use super::detached::{self, Detached};
use super::interrupt::Interrupt;
use super::options::{Mode, Options, Source};
use super::process::Census;
use super::progress::Progress;
use super::report::{Report, SECOND_LOOK};
use super::server::Server;
use super::site::Site;
use super::walk::{Plan, Tally, walk};

/// Why there is no report; with a message for the user.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for what cannot be.
    Usage(String),
    /// The first page cannot be had.
    Run(String),
}

/// Walks as `options` say, or until Ctrl-C; `say` is given a line per page.
pub(crate) fn run(options: &Options, say: impl Fn(String)) -> Result<Report, Failure> {
    // Whatever asks a process or a name server comes before the runtime: it takes a thread.
    let target = Target::find(options)?;
    task::block_on(async {
        warm_up().await.map_err(no_sockets)?;
        // Holds files of its own, before and after.
        let mut interrupt = Interrupt::new()
            .map_err(|error| Failure::Run(format!("cannot wait for Ctrl-C: {error}")))?;
        let before = Census::take();
        let setup = Setup::prepare(target, options).await.map_err(no_sockets)?;
        let progress = Progress::new(options.pages, say);
        let report = match options.mode {
            Mode::Untracked => setup.run_untracked(&progress, &mut interrupt).await,
            mode => setup.run(mode, &progress, &mut interrupt).await,
        }?;
        Ok(Report { before, ..report })
    })
}

/// Where the walk goes.
enum Target {
    /// To the built-in server.
    Site(Site),
    /// To another one, which has these addresses.
    Server(Url, Vec<SocketAddr>),
}

impl Target {
    fn find(options: &Options) -> Result<Self, Failure> {
        match &options.source {
            Source::ThisMachine => Ok(Self::Site(Site::of_this_machine())),
            Source::Directory(root) => Site::below(root).map(Self::Site).map_err(Failure::Usage),
            Source::Server(url) => match url.socket_addrs(|| None) {
                Ok(addresses) => Ok(Self::Server(url.clone(), addresses)),
                Err(error) => Err(Failure::Run(format!(
                    "cannot find the server of {url}: {error}; check `--url`"
                ))),
            },
        }
    }
}

/// A walk that is ready to begin.
struct Setup {
    /// None if the pages come from elsewhere.
    server: Option<Server>,
    start: Url,
    plan: Plan,
    shared: Shared,
    in_flight: usize,
}

impl Setup {
    async fn prepare(target: Target, options: &Options) -> io::Result<Self> {
        let (server, start, addresses) = match target {
            Target::Server(start, addresses) => (None, start, addresses),
            Target::Site(site) => {
                let page = site.start().to_owned();
                let server = Server::bind(site, options.latency).await?;
                let address = server.address()?;
                let start = Url::parse(&format!("http://{address}/{page}"));
                (
                    Some(server),
                    start.map_err(io::Error::other)?,
                    vec![address],
                )
            }
        };
        let client = Client::new(addresses, options.timeout);
        Ok(Self {
            server,
            start,
            plan: Plan {
                pages: options.pages,
                pause: options.pause,
            },
            shared: Shared::new(client, options.in_flight),
            in_flight: options.in_flight,
        })
    }

    /// Walks with children of scopes. Leaving the inner one closes the automator, leaving the
    /// outer one the server. Ctrl-C cuts the inner one off, wherever the walk is.
    async fn run(
        self,
        mode: Mode,
        progress: &Progress<impl Fn(String)>,
        interrupt: &mut Interrupt,
    ) -> Result<Report, Failure> {
        let Self {
            server,
            start,
            plan,
            shared,
            in_flight,
        } = self;
        let (mut tally, begin) = (Tally::default(), Instant::now());
        let stop = async {
            interrupt.pressed().await;
            progress.stopped();
        };
        let observe = |url: &Url, visit: &_| progress.page(url, visit);
        let walked = scope(async |s| {
            if let Some(server) = server {
                let scope = s.named("server");
                scope.spawn_background(async move { server.serve().await });
            }
            let tally = &mut tally;
            let automator = scope(async |s| match mode {
                Mode::ReadAhead => {
                    let automator = ReadAhead::new(s, &shared, in_flight);
                    walk(&automator, &start, plan, observe, tally).await
                }
                Mode::OnDemand => {
                    let automator = OnDemand::new(s, &shared);
                    walk(&automator, &start, plan, observe, tally).await
                }
                _ => {
                    let automator = Automator::new(s, &shared);
                    walk(&automator, &start, plan, observe, tally).await
                }
            });
            automator.named("automator").until(stop).await
        })
        .named("prefetch")
        .await;
        say_closed();
        tally.end(begin, walked.is_none());
        let after = Census::take();
        report(walked, tally, &start, &shared, after)
    }

    /// Walks with detached tasks.
    async fn run_untracked(
        self,
        progress: &Progress<impl Fn(String)>,
        interrupt: &mut Interrupt,
    ) -> Result<Report, Failure> {
        if let Some(server) = self.server {
            let serve = detached::serve(Arc::new(server));
            task::spawn(serve.instrument(detached::span("server")));
        }
        let shared = Arc::new(self.shared);
        let automator = Detached::new(Arc::clone(&shared));
        let (mut tally, begin) = (Tally::default(), Instant::now());
        let observe = |url: &Url, visit: &_| progress.page(url, visit);
        let walk = walk(&automator, &self.start, self.plan, observe, &mut tally);
        let stop = async {
            interrupt.pressed().await;
            progress.stopped();
            None
        };
        let walk = walk.instrument(detached::span("automator"));
        let walked = or(async { Some(walk.await) }, stop).await;
        tally.end(begin, walked.is_none());
        automator.close();
        say_closed();
        let after = Census::take();
        let report = report(walked, tally, &self.start, &shared, after)?;
        task::sleep(SECOND_LOOK).await;
        Ok(Report {
            later: Some(shared.ledger.counts()),
            ..report
        })
    }
}

/// Everything was closed, as far as that goes; for [timelines](super::timeline) and traces.
fn say_closed() {
    tracing::info!(name: "closed", target: "prefetch", "the automator was closed");
}

/// Makes the runtime start its threads and open its own files, so that they count as `before`.
async fn warm_up() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let connected = task::spawn(TcpStream::connect(address));
    listener.accept().await?;
    connected.await?;
    start_pool().await;
    Ok(())
}

/// Has the blocking pool start all its threads: as many as can usefully parse at the same time.
async fn start_pool() {
    let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    blocking::set_max_blocking_threads(threads);
    // Each takes a thread, and keeps it until all have one.
    let barrier = Arc::new(Barrier::new(threads.get()));
    let waiting: Vec<_> = (0..threads.get())
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            blocking::unblock(move || barrier.wait())
        })
        .collect();
    for waiting in waiting {
        waiting.await;
    }
}

fn no_sockets(error: io::Error) -> Failure {
    Failure::Run(format!("cannot open a socket on this machine: {error}"))
}

/// What there is to say when everything was closed. There is no result of a walk that was stopped.
fn report(
    walked: Option<Result<(), FetchError>>,
    tally: Tally,
    start: &Url,
    shared: &Shared,
    after: Option<Census>,
) -> Result<Report, Failure> {
    if let Some(Err(error)) = walked {
        let why = format!("cannot fetch the first page, {start}: {error}");
        return Err(Failure::Run(why));
    }
    Ok(Report {
        tally,
        counts: shared.ledger.counts(),
        reasons: shared.ledger.reasons(),
        before: None,
        after,
        later: None,
    })
}
