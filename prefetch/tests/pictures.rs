//! The pictures of the README, and others that the program draws now, as a browser shows them: on a
//! light page and on a dark one.
//!
//! It takes Chromium, and so is not part of `cargo test`:
//!
//! ```text
//! cargo test -p prefetch --test pictures -- --ignored
//! ```

#[path = "support/stub.rs"]
mod stub;

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use stub::Directory;

/// How wide a README is where it is shown.
const WIDTH: u32 = 846;
const HEIGHT: u32 = 560;

/// Light and dark: what Chromium is told, and the colours of the page and of what goes on after the
/// automator was closed.
const SCHEMES: [(&str, [u8; 3], [u8; 3]); 2] = [
    ("1", [0xff, 0xff, 0xff], [0xff, 0xb8, 0xb0]),
    ("0", [0x0d, 0x11, 0x17], [0x7d, 0x2b, 0x2b]),
];

/// Asks for the box and the colour of each text, where it is shown, for the colour below it, and
/// for the boxes of all bars.
const SCRIPT: &str = "
const box = of => {
  const {left, top, right, bottom} = of.getBoundingClientRect();
  return [left, top, right, bottom];
};
const found = [...document.querySelectorAll('div')].map(it => {
  const svg = it.shadowRoot.querySelector('svg');
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  const texts = [...svg.querySelectorAll('text')].map(text => {
    const {fill, fontSize} = getComputedStyle(text);
    const size = parseFloat(fontSize) * scale;
    return {text: text.textContent.trim(), box: box(text), fill, size};
  });
  const page = getComputedStyle(svg.querySelector('.page')).fill;
  return {page, texts, bars: [...svg.querySelectorAll('path')].map(box), frame: box(svg)};
});
document.body.innerHTML = `<pre>${encodeURIComponent(JSON.stringify(found))}</pre>`;
";

/// A picture as a part of the page, where its styles concern nothing else.
fn embedded(svg: &str) -> String {
    let style = "<style>svg{width:100%;height:auto}</style>";
    format!("<div><template shadowrootmode=open>{style}{svg}</template></div>")
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Runs Chromium on a page, and gives what it prints.
fn browse(page: &Path, scheme: &str, folder: &Directory, task: &str) -> String {
    let browser = env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
    let output = Command::new(&browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .args([
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ])
        .args([
            "--disable-component-update",
            "--force-device-scale-factor=1",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("--window-size={WIDTH},{HEIGHT}"))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(task)
        .arg(format!("file://{}", page.display()))
        .stderr(Stdio::null())
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("cannot run {browser:?}: {error}; install Chromium, or name it in CHROMIUM")
    });
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A page with `body`, as wide as a README.
fn page(body: &str) -> String {
    format!(
        "<!doctype html><meta charset=utf-8><meta name=color-scheme content='light dark'>\
         <base href='file://{}/'><body style='margin:0;width:{WIDTH}px'>{body}",
        repository().display()
    )
}

/// A picture as the browser shows it.
struct Screen {
    pixels: Vec<[u8; 3]>,
}

impl Screen {
    fn read(file: &Path) -> Self {
        let file = std::io::BufReader::new(fs::File::open(file).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height), (WIDTH, HEIGHT));
        let bytes_per_pixel = info.color_type.samples();
        let pixels = bytes[..info.buffer_size()].chunks(bytes_per_pixel);
        Self {
            pixels: pixels.map(|it| [it[0], it[1], it[2]]).collect(),
        }
    }

    /// How many pixels have this colour, in the left half and in the right one.
    fn count(&self, colour: [u8; 3]) -> [usize; 2] {
        let is_near = |pixel: &[u8; 3]| (0..3).all(|i| pixel[i].abs_diff(colour[i]) < 4);
        let mut counts = [0; 2];
        for line in self.pixels.chunks(WIDTH as usize) {
            let (left, right) = line.split_at(WIDTH as usize / 2);
            counts[0] += left.iter().filter(|pixel| is_near(pixel)).count();
            counts[1] += right.iter().filter(|pixel| is_near(pixel)).count();
        }
        counts
    }
}

/// The README's pictures stand side by side, and tell what it says of them: on the left nothing is
/// drawn in the colour of what goes on, on the right much.
#[test]
#[ignore = "takes Chromium"]
fn readme() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, pictures) = readme.split_once("<p>").expect("the README has pictures");
    let (pictures, _) = pictures.split_once("</p>").unwrap();
    assert_eq!(pictures.matches("<img ").count(), 2, "{pictures}");
    let folder = Directory::new("readme", &[("readme.html", page(pictures).as_bytes())]);
    let file = folder.path().join("readme.html");
    for (scheme, colour, left) in SCHEMES {
        let screen = folder.path().join(format!("{scheme}.png"));
        browse(
            &file,
            scheme,
            &folder,
            &format!("--screenshot={}", screen.display()),
        );
        let screen = Screen::read(&screen);
        let all = (WIDTH * HEIGHT) as usize;
        let of_page = screen.count(colour);
        assert!(
            of_page.iter().all(|count| *count > all / 5),
            "{scheme}: {of_page:?} of {all}"
        );
        let went_on = screen.count(left);
        assert!(
            went_on[0] == 0 && went_on[1] > 2_000,
            "{scheme}: {went_on:?}"
        );
    }
}

/// Whatever the program draws can be read: its texts are inside of the picture, none lies on
/// another one, they are large enough, and they stand out.
#[test]
#[ignore = "takes Chromium"]
fn legibility() {
    let folder = Directory::new("legibility", &[]);
    let svg = |name: &str| repository().join("docs").join(name);
    let mut files = vec![svg("timeline-scope.svg"), svg("timeline-detached.svg")];
    let modes: [&[&str]; 3] = [&[], &["--read-ahead", "--pages", "3"], &["--untracked"]];
    for (number, options) in modes.into_iter().enumerate() {
        let file = folder.path().join(format!("{number}.svg"));
        let mut program = Command::new(env!("CARGO_BIN_EXE_prefetch"));
        let program = program.arg("--timeline").arg(&file).args(options);
        let status = program.stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
        files.push(file);
    }
    let read = |file| embedded(&fs::read_to_string(file).unwrap());
    let pictures: String = files.iter().map(read).collect();
    let body = format!("<style>div{{width:49%}}</style>{pictures}<script>{SCRIPT}</script>");
    let file = folder.path().join("pictures.html");
    fs::write(&file, page(&body)).unwrap();
    for (scheme, ..) in SCHEMES {
        let document = browse(&file, scheme, &folder, "--dump-dom");
        let (_, found) = document.split_once("<pre>").expect(&document);
        let (found, _) = found.split_once("</pre>").unwrap();
        let found = percent_encoding::percent_decode_str(found)
            .decode_utf8()
            .unwrap();
        let found: Vec<Value> = serde_json::from_str(&found).unwrap();
        assert_eq!(found.len(), files.len());
        for (picture, file) in found.iter().zip(&files) {
            assert_legible(picture, &format!("{} in scheme {scheme}", file.display()));
        }
    }
}

fn assert_legible(picture: &Value, of: &str) {
    let frame = sides(&picture["frame"]);
    let texts = picture["texts"].as_array().unwrap();
    assert!(texts.len() > 10, "{of}");
    let bars = picture["bars"].as_array().unwrap();
    assert!(bars.len() > 10, "{of}");
    // Lines may touch, as far as that is the space above and below letters.
    let covers = |[left, top, right, bottom]: [f64; 4], [l, t, r, b]: [f64; 4]| {
        right.min(r) > left.max(l) && bottom.min(b) - top.max(t) > 3.0
    };
    for (i, text) in texts.iter().enumerate() {
        let place = sides(&text["box"]);
        let [left, top, right, bottom] = place;
        let is_inside =
            left >= frame[0] && top >= frame[1] && right <= frame[2] && bottom <= frame[3];
        assert!(is_inside, "{of}: {text} is not in {frame:?}");
        for other in &texts[..i] {
            assert!(
                !covers(place, sides(&other["box"])),
                "{of}: {text} on {other}"
            );
        }
        let is_on_a_bar = bars.iter().any(|bar| covers(place, sides(bar)));
        assert!(!is_on_a_bar, "{of}: {text} on a bar");
        assert!(
            text["size"].as_f64().unwrap() >= 8.0,
            "{of}: {text} is small"
        );
        let contrast = contrast(&picture["page"], &text["fill"]);
        assert!(contrast >= 4.5, "{of}: {text} has a contrast of {contrast}");
    }
}

fn sides(of: &Value) -> [f64; 4] {
    serde_json::from_value(of.clone()).unwrap()
}

/// The ratio of two luminances, as the Web Content Accessibility Guidelines define it.
fn contrast(one: &Value, other: &Value) -> f64 {
    let [one, other] = [one, other].map(|colour| {
        let text = colour.as_str().unwrap();
        let numbers = text
            .trim_start_matches("rgb(")
            .trim_end_matches(')')
            .split(", ");
        let linear = numbers.map(|number| {
            let part = number.parse::<f64>().unwrap() / 255.0;
            match part <= 0.04045 {
                true => part / 12.92,
                false => ((part + 0.055) / 1.055).powf(2.4),
            }
        });
        linear
            .zip([0.2126, 0.7152, 0.0722])
            .map(|(part, weight)| part * weight)
            .sum::<f64>()
    });
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}
