//! A page as the automator remembers it: its digest and the pages that it links to.

use std::collections::HashSet;
use std::str::from_utf8;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};
use sha2::{Digest, Sha256};
use url::Url;

/// What is kept of a page.
#[derive(Debug)]
pub(crate) struct Page {
    /// Length of the HTML text.
    pub(crate) bytes: usize,
    /// SHA-256 of the HTML text.
    pub(crate) digest: [u8; 32],
    /// Other pages of the same server, in the order of their first mention, without fragments.
    pub(crate) links: Vec<Url>,
}

impl Page {
    /// Reads the page that `url` gave.
    pub(crate) fn parse(url: &Url, html: &str) -> Self {
        Self {
            bytes: html.len(),
            digest: Sha256::digest(html).into(),
            links: links(url, html),
        }
    }

    /// The first bytes of the digest in hexadecimal.
    pub(crate) fn short_digest(&self) -> String {
        let [a, b, c, d, ..] = self.digest;
        format!("{a:02x}{b:02x}{c:02x}{d:02x}")
    }
}

/// The pages of the same server that `html` links to.
fn links(url: &Url, html: &str) -> Vec<Url> {
    let mut emitter = DefaultEmitter::default();
    // What looks like a tag inside of a script is none.
    emitter.naively_switch_states(true);

    let mut base = None;
    let mut seen = HashSet::new();
    let mut links = Vec::new();
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        let Token::StartTag(tag) = token else {
            continue;
        };
        match (tag.name.as_slice(), href(&tag)) {
            // The first one counts.
            (b"base", Some(href)) if base.is_none() => base = url.join(href).ok(),
            (b"a" | b"area", Some(href)) => {
                let link = resolve(url, base.as_ref().unwrap_or(url), href);
                links.extend(link.filter(|link| seen.insert(link.clone())));
            }
            _ => {}
        }
    }
    links
}

fn href(tag: &StartTag<()>) -> Option<&str> {
    let href = tag.attributes.get(&b"href"[..])?;
    from_utf8(href).ok()
}

/// The page that `href` names, if it is another page of the same server.
fn resolve(url: &Url, base: &Url, href: &str) -> Option<Url> {
    let mut link = base.join(href).ok()?;
    link.set_fragment(None);
    let is_other_page = link != without_fragment(url) && link.origin() == url.origin();
    is_other_page.then_some(link)
}

/// The page that `url` names, wherever in it that is.
pub(crate) fn without_fragment(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}
