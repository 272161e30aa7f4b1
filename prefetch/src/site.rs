//! What the built-in server serves: the files of a directory, or texts made into pages.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::from_utf8;

/// Where a reader of a directory begins, best first.
const START_PAGES: [&str; 3] = ["index.html", "std/index.html", "book/index.html"];

/// The texts that are served if there is nothing better, with their names.
const OWN_TEXTS: [(&str, &str); 4] = [
    ("readme", include_str!("../../README.md")),
    ("changelog", include_str!("../../CHANGELOG.md")),
    ("mit", include_str!("../../LICENSE-MIT")),
    ("apache", include_str!("../../LICENSE-APACHE")),
];

/// How many lines of a text go on one page.
const LINES_PER_PAGE: usize = 10;

/// A set of files with a page to start at.
#[derive(Debug)]
pub(crate) struct Site {
    files: Files,
    start: String,
}

#[derive(Debug)]
enum Files {
    /// Everything below a directory, whose path is canonical.
    Below(PathBuf),
    /// HTML pages by their path.
    Pages(BTreeMap<String, String>),
}

/// A file as it is served.
#[derive(Debug)]
pub(crate) struct File {
    /// Its content type.
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Site {
    /// The files below `root`; an error is a message for the user.
    pub(crate) fn below(root: &Path) -> Result<Self, String> {
        let named = root.display();
        let canonical = root
            .canonicalize()
            .map_err(|error| format!("cannot serve {named}: {error}"))?;
        if !canonical.is_dir() {
            return Err(format!("cannot serve {named}: it is not a directory"));
        }
        let start = START_PAGES
            .into_iter()
            .find(|page| canonical.join(page).is_file())
            .ok_or_else(|| {
                format!("cannot serve {named}: it has no index.html to start at; add one")
            })?;
        Ok(Self {
            files: Files::Below(canonical),
            start: start.to_owned(),
        })
    }

    /// The documentation of the installed toolchain, or else texts of this crate.
    pub(crate) fn of_this_machine() -> Self {
        let documentation = toolchain_documentation();
        let site = documentation.and_then(|root| Self::below(&root).ok());
        site.unwrap_or_else(Self::of_this_crate)
    }

    /// Texts of this crate, a few lines to a page.
    pub(crate) fn of_this_crate() -> Self {
        Self {
            files: Files::Pages(pages(&OWN_TEXTS)),
            start: "index.html".to_owned(),
        }
    }

    /// The path of the page to start at, without a leading slash.
    pub(crate) fn start(&self) -> &str {
        &self.start
    }

    /// Reads the file at the path of a URL. `None` if there is none, or none that is ours to give.
    ///
    /// It reads on the calling thread. A thread of a blocking pool would run on after its request
    /// was cancelled; and local files take less time than handing them over.
    pub(crate) fn read(&self, path: &str) -> Option<File> {
        match &self.files {
            Files::Below(root) => {
                let path = locate(root, path)?;
                Some(File {
                    kind: content_type(&path),
                    bytes: fs::read(path).ok()?,
                })
            }
            Files::Pages(pages) => {
                let page = pages.get(path.strip_prefix('/')?)?;
                Some(File {
                    kind: content_type(Path::new("page.html")),
                    bytes: page.clone().into_bytes(),
                })
            }
        }
    }
}

/// The regular file below `root` that the path of a URL names.
fn locate(root: &Path, path: &str) -> Option<PathBuf> {
    let mut file = root.to_path_buf();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        file.push(plain_name(&decode(segment)?)?);
    }
    if path.ends_with('/') {
        file.push("index.html");
    }
    // A symbolic link may lead out of the directory.
    let file = file.canonicalize().ok()?;
    (file.starts_with(root) && file.is_file()).then_some(file)
}

/// `segment`, if it is the name of a file and nothing else: no `..`, no separator, no drive.
fn plain_name(segment: &str) -> Option<&str> {
    let mut components = Path::new(segment).components();
    let is_plain = components.next() == Some(Component::Normal(segment.as_ref()))
        && components.next().is_none();
    is_plain.then_some(segment)
}

/// Resolves the `%xx` of a URL.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match first {
            b'%' => {
                let (digits, tail) = rest.split_at_checked(2)?;
                rest = tail;
                hexadecimal(digits)?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digits = from_utf8(digits).ok()?;
    // `from_str_radix` alone would take a sign.
    let are_digits = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    are_digits.then(|| u8::from_str_radix(digits, 16).ok())?
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("md" | "txt") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

/// Where the toolchain's documentation lies, if there is a toolchain. Its name is `rustc`, or what
/// the environment says, as for cargo.
fn toolchain_documentation() -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let sysroot = String::from_utf8(output.stdout).ok()?;
    Some(Path::new(sysroot.trim_end()).join("share/doc/rust/html"))
}

/// Makes each text into pages that link to the next one, with an index of all.
fn pages(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut index = String::new();
    for (name, text) in texts {
        let lines: Vec<_> = text.lines().collect();
        let parts = lines.chunks(LINES_PER_PAGE);
        let last = parts.len();
        for (part, lines) in (1..).zip(parts) {
            let address = format!("{name}-{part}.html");
            let mut body = format!("<pre>{}</pre>", escape(&lines.join("\n")));
            if part < last {
                let next = part + 1;
                let _ = write!(body, "<a href=\"{name}-{next}.html\">next</a> ");
            }
            body += "<a href=\"index.html\">index</a>";
            let _ = write!(index, "<li><a href=\"{address}\">{name}, {part}</a>");
            pages.insert(address, html(name, &body));
        }
    }
    let index = html("taskpen", &format!("<ul>{index}</ul>"));
    pages.insert("index.html".to_owned(), index);
    pages
}

fn html(title: &str, body: &str) -> String {
    format!("<!DOCTYPE html><title>{title}</title>{body}\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
