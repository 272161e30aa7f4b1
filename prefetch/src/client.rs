//! The HTTP client: one connection per request.
//!
//! A connection of hyper is a future that somebody has to drive. Here it is driven beside its
//! request, by whoever awaits that: it lives and dies with the request, and a request that is
//! dropped has closed its socket.

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_std::future::timeout;
use async_std::net::TcpStream;
use futures_lite::future::or;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use smol_hyper::rt::FuturesIo;
use url::{Position, Url};

/// The longest page that is read.
const MAX_PAGE_BYTES: usize = 16 << 20;

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Client {
    /// Resolved once, up front: looking a name up needs a thread that a task cannot take back.
    addresses: Vec<SocketAddr>,
    timeout: Duration,
}

impl Client {
    /// A client of the server at one of `addresses`, whose requests may last `timeout` each.
    pub(crate) fn new(addresses: Vec<SocketAddr>, timeout: Duration) -> Self {
        Self { addresses, timeout }
    }

    /// Fetches the HTML text of a page.
    pub(crate) async fn get(&self, url: &Url) -> Result<String, FetchError> {
        match timeout(self.timeout, self.exchange(url)).await {
            Ok(result) => result,
            Err(_) => Err(FetchError::Timeout(self.timeout)),
        }
    }

    async fn exchange(&self, url: &Url) -> Result<String, FetchError> {
        let request = request(url)?;
        let stream = TcpStream::connect(self.addresses.as_slice())
            .await
            .map_err(FetchError::Connect)?;
        let (mut sender, connection) = http1::handshake(FuturesIo::new(stream)).await?;
        let answer = async { read(sender.send_request(request).await?).await };
        let driver = async {
            // Its error, if any, reaches the request as well.
            let _ = connection.await;
            pending().await
        };
        or(answer, driver).await
    }
}

fn request(url: &Url) -> Result<Request<Empty<Bytes>>, FetchError> {
    Request::get(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(USER_AGENT, "taskpen-prefetch")
        .header(ACCEPT, "text/html")
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|_| FetchError::Unaskable)
}

/// Reads an answer that is an HTML page.
async fn read(response: Response<Incoming>) -> Result<String, FetchError> {
    let header = |name| {
        let value: Option<&HeaderValue> = response.headers().get(name);
        value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    if response.status() != StatusCode::OK {
        return Err(NoPage::Status(response.status(), header(LOCATION)).into());
    }
    if let Some(kind) = header(CONTENT_TYPE).filter(|kind| !is_html(kind)) {
        return Err(NoPage::NotHtml(kind).into());
    }
    let body = Limited::new(response.into_body(), MAX_PAGE_BYTES);
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(NoPage::TooLong.into()),
        Err(error) => return Err(FetchError::Body(error)),
    };
    String::from_utf8(body.into()).map_err(|_| NoPage::NotUtf8.into())
}

fn is_html(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
}

/// Why a page could not be fetched.
#[derive(Debug)]
pub(crate) enum FetchError {
    Connect(io::Error),
    /// The URL holds characters that HTTP does not carry.
    Unaskable,
    Http(hyper::Error),
    /// The answer broke off.
    Body(Box<dyn Error + Send + Sync>),
    Timeout(Duration),
    /// There was an answer, but no page in it.
    NoPage(NoPage),
    /// The same, and it was another request that got it.
    Known(NoPage),
}

/// An answer that is no page. Asked again, the server would say the same.
#[derive(Clone, Debug)]
pub(crate) enum NoPage {
    /// Not `200 OK`; with the address that the server names instead, if it does.
    Status(StatusCode, Option<String>),
    NotHtml(String),
    NotUtf8,
    TooLong,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                write!(f, "cannot connect: {error}; is the server running?")
            }
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Unaskable => write!(f, "the address cannot be sent in an HTTP request"),
            Self::Http(error) => write!(f, "the HTTP exchange failed: {}", innermost(error)),
            Self::Body(error) => write!(f, "the answer broke off: {}", innermost(&**error)),
            Self::Timeout(limit) => {
                write!(f, "no answer within {limit:?}; `--timeout` allows more")
            }
            Self::NoPage(answer) | Self::Known(answer) => write!(f, "{answer}"),
        }
    }
}

impl fmt::Display for NoPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, None) => write!(f, "the server answered {status}"),
            Self::Status(status, Some(location)) => {
                write!(
                    f,
                    "the server answered {status}: it names {location} instead"
                )
            }
            Self::NotHtml(kind) => write!(f, "not HTML but {kind}"),
            Self::NotUtf8 => write!(f, "the page is not UTF-8"),
            Self::TooLong => write!(f, "the page is longer than {} MiB", MAX_PAGE_BYTES >> 20),
        }
    }
}

impl Error for FetchError {}

impl From<NoPage> for FetchError {
    fn from(answer: NoPage) -> Self {
        Self::NoPage(answer)
    }
}

impl From<hyper::Error> for FetchError {
    fn from(error: hyper::Error) -> Self {
        Self::Http(error)
    }
}

/// The error at the bottom of the chain, which names the cause.
fn innermost<'a>(mut error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}
