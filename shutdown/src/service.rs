//! The service: a scope with one child per connection, which ends when it is asked to stop and has
//! answered what is in flight.

use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use async_std::net::{SocketAddr, TcpListener, TcpStream};
use async_std::task;
use futures_lite::future::or;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use smol_hyper::rt::FuturesIo;
use taskpen::{StopToken, inspect, scope};
use tokio::sync::watch;

/// What the scope is called.
const NAME: &str = "service";

/// How many bytes a message may have.
const MESSAGE: usize = 64 * 1024;

/// How long the service waits when it cannot accept: what is scarce then comes back when a
/// connection closes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A service that passes messages on. `L` is told what happens, a line at a time.
pub(crate) struct Service<L> {
    log: L,
    /// The last message. tokio's channel needs no runtime of tokio.
    messages: watch::Sender<Bytes>,
    requests: Gauge,
}

impl<L: Fn(String) + Sync> Service<L> {
    pub(crate) fn new(log: L) -> Self {
        Self {
            log,
            messages: watch::Sender::default(),
            requests: Gauge::default(),
        }
    }

    /// Serves until it is asked to stop, through the token that `cut_off` gets, and what was
    /// accepted to its end. When `cut_off` resolves before that, all connections are closed:
    /// `None`.
    pub(crate) async fn serve(
        &self,
        listener: TcpListener,
        cut_off: impl AsyncFnOnce(StopToken),
    ) -> Option<()> {
        let work = scope(async |s| {
            let stop = s.stop_token();
            let accepting = async {
                loop {
                    let (stream, peer) = accept(&listener).await;
                    let connection = s.named(format!("connection {peer}"));
                    connection.spawn(self.converse(stream, stop.clone()));
                }
            };
            // In this order: clients to whom the system has said that they are connected are
            // accepted before we stop.
            or(accepting, stop.clone()).await;
            drop(listener); // from here on connections are refused
            (self.log)(format!("stopping: {} in flight", self.requests.read()));
        });
        let token = work.stop_token();
        let work = work.named(NAME);
        work.until(cut_off(token)).await
    }

    /// Answers the requests of one connection until either side closes it; once it is told to stop,
    /// only those that have come in.
    async fn converse(&self, stream: TcpStream, stop: StopToken) {
        let service = service_fn(async |request| {
            let mut response = self.answer(request).await;
            if stop.stop_requested() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        });
        let connection = http1::Builder::new().serve_connection(FuturesIo::new(stream), service);
        let mut connection = pin!(connection);
        // In this order: a request that has arrived is read before the connection is told to stop,
        // or it would be closed as an idle one. An error is the client's, which went away or did
        // not speak HTTP.
        let closed = async {
            let _ = connection.as_mut().await;
            true
        };
        let told = async {
            stop.clone().await;
            false
        };
        if !or(closed, told).await {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let _in_flight = self.requests.enter();
        let (method, path) = (request.method(), request.uri().path());
        (self.log)(format!("{method} {path}"));
        match (method, path) {
            (&Method::GET, "/next") => self.next_message().await,
            (&Method::POST, "/next") => self.pass_on(request.into_body()).await,
            (_, "/next") => respond(StatusCode::METHOD_NOT_ALLOWED, "only GET and POST\n"),
            _ => respond(StatusCode::NOT_FOUND, "there is only /next\n"),
        }
    }

    async fn next_message(&self) -> Response<Full<Bytes>> {
        let mut messages = self.messages.subscribe();
        match messages.changed().await {
            Ok(()) => respond(StatusCode::OK, messages.borrow().clone()),
            Err(_) => unreachable!("the sender lives as long as the service"),
        }
    }

    async fn pass_on(&self, message: Incoming) -> Response<Full<Bytes>> {
        match read(message).await {
            Ok(message) => {
                let listeners = self.messages.receiver_count();
                self.messages.send_replace(message);
                respond(StatusCode::OK, format!("heard by {listeners}\n"))
            }
            Err(error) => respond(StatusCode::BAD_REQUEST, format!("{error}\n")),
        }
    }
}

/// The connections that are open, each with what it does and since when.
pub(crate) fn connections() -> Vec<String> {
    let mut roots = inspect::tree().roots.into_iter();
    let service = roots.find(|it| it.name.as_deref() == Some(NAME));
    let open = service.into_iter().flat_map(|it| it.children);
    open.map(|it| it.to_string()).collect()
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(_) => task::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn read(message: Incoming) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let message = Limited::new(message, MESSAGE).collect().await?;
    Ok(message.to_bytes())
}

fn respond(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

/// How many there are of something at the moment.
#[derive(Debug, Default)]
struct Gauge(AtomicUsize);

impl Gauge {
    fn read(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// Counts one more until the guard is dropped.
    fn enter(&self) -> Counted<'_> {
        self.0.fetch_add(1, Relaxed);
        Counted(self)
    }
}

#[derive(Debug)]
struct Counted<'a>(&'a Gauge);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}
