//! The built-in HTTP server: a scope with one child per connection.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use smol_hyper::rt::FuturesIo;
use taskpen::scope;

use super::site::{File, Site};

/// How long the server waits when it cannot accept: what is scarce then comes back when a
/// connection closes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server of one site, on a free port of this machine.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    site: Site,
    /// How long each answer is held back, as a network would.
    latency: Duration,
}

impl Server {
    pub(crate) async fn bind(site: Site, latency: Duration) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
            site,
            latency,
        })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is dropped, and every connection with it.
    pub(crate) async fn serve(&self) {
        scope(async |s| {
            loop {
                let stream = self.accept().await;
                s.named("connection").spawn(self.answer_all(stream));
            }
        })
        .named("connections")
        .await
    }

    /// Waits for the next connection.
    pub(crate) async fn accept(&self) -> TcpStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return stream,
                Err(_) => task::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    /// Answers the requests of one connection until either side closes it.
    pub(crate) async fn answer_all(&self, stream: TcpStream) {
        let service = service_fn(async |request| {
            task::sleep(self.latency).await;
            Ok::<_, Infallible>(answer(&request, &self.site))
        });
        // An error is the client's: it went away, or did not speak HTTP.
        let _ = http1::Builder::new()
            .serve_connection(FuturesIo::new(stream), service)
            .await;
    }
}

fn answer(request: &Request<Incoming>, site: &Site) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        refusal.headers_mut().insert(ALLOW, allowed);
        return refusal;
    }
    match site.read(request.uri().path()) {
        Some(File { kind, bytes }) => respond(StatusCode::OK, kind, bytes),
        None => text(StatusCode::NOT_FOUND, "no such page\n"),
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", text)
}

fn respond(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
