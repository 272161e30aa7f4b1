//! Pages: their links, and what is known of them.

use sha2::{Digest, Sha256};
use url::Url;

use crate::page::Page;

/// The links of a page: those to other pages of its server, once each, in order.
#[test]
fn links_of_a_page() {
    let url = Url::parse("http://localhost:80/book/one.html").unwrap();
    let html = "<a href='two.html#end'>2</a> <A HREF=\"/three.html?x=1&amp;y=2\">3</A>
        <a href='#here'>here</a> <a href='one.html'>self</a> <a href='two.html'>again</a>
        <a href='http://elsewhere/'>other host</a> <a href='//localhost:81/'>other port</a>
        <a href='https://localhost/'>other scheme</a> <a href='mailto:x@localhost'>mail</a>
        <script>'<a href=\"script.html\">'</script> <!-- <a href='comment.html'> -->
        <a name='x'>no link</a> <a href='http://['>bad</a> <area href='../four/'>
        <unclosed <a href='lost.html'";
    let page = Page::parse(&url, html);
    let links: Vec<_> = page.links.iter().map(Url::as_str).collect();
    let expected = [
        "http://localhost/book/two.html",
        "http://localhost/three.html?x=1&y=2",
        "http://localhost/four/",
    ];
    assert_eq!(links, expected);
    assert_eq!(page.bytes, html.len());
    assert_eq!(page.digest[..], Sha256::digest(html)[..]);
}

/// A `base` element moves the links of a page.
#[test]
fn base_of_a_page() {
    let url = Url::parse("http://localhost/a/b/index.html").unwrap();
    let html = "<base href='../'><base href='/later/'><a href='c.html'>c</a>";
    let links = Page::parse(&url, html).links;
    assert_eq!(links, [Url::parse("http://localhost/a/c.html").unwrap()]);
}
