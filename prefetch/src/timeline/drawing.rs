//! An SVG document of what was seen: readable where two of them stand side by side, on light and on
//! dark pages.

use std::time::Duration;

use svg::Document;
use svg::node::element::path::Data;
use svg::node::element::{Group, Line, Path, Rectangle, Style, Text, Title};

use super::record::{Bar, Kind, Record, State};
use super::rows::{Bars, Row, rows};
use crate::report::SECOND_LOOK;

/// So many rows fit onto a screen.
const MOST_ROWS: usize = 40;

// In pixels.
const WIDTH: f32 = 420.0;
const MARGIN: f32 = 8.0;
/// Where the names end, and time begins.
const GUTTER: f32 = 124.0;
/// The width of all the time.
const TIME: f32 = WIDTH - MARGIN - GUTTER;
const HEAD: f32 = 44.0;
const ROW: f32 = 11.0;
const BAR: f32 = 7.0;
const INDENT: f32 = 5.0;
const FOOT: f32 = 34.0;
/// What is shorter is drawn so wide, or it would not be seen.
const THIN: f32 = 0.6;
/// What is folded is counted at so many moments, a pixel apart.
const COLUMNS: u32 = TIME as u32;
/// There is room for so many names of times.
const MOST_STEPS: u32 = 6;
/// Half the width of such a name.
const HALF_A_TIME: f32 = 20.0;
/// The width of a character of a name, about.
const CHARACTER: f32 = 4.9;

/// Colours that can be told apart in grey as well. What goes on after the automator was closed is
/// red.
const STYLE: &str = "
text{font:9px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2328}
.heading{font-weight:600;font-size:11px}
.faint{fill:#59636e}
.end{text-anchor:end}
.middle{text-anchor:middle}
.page{fill:#fff}
.grid{stroke:#e4e8ec}
.closed{stroke:#1f2328;stroke-dasharray:3 2}
.suspended{fill:#ccd5de}
.ready{fill:#e0a800}
.running{fill:#0550ae}
.left .suspended{fill:#ffb8b0}
.left .running{fill:#b3131f}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}
.faint{fill:#9198a1}
.page{fill:#0d1117}
.grid{stroke:#252b33}
.closed{stroke:#e6edf3}
.suspended{fill:#3d444d}
.ready{fill:#d29922}
.running{fill:#6cb6ff}
.left .suspended{fill:#7d2b2b}
.left .running{fill:#ff8f85}
}";

/// Draws what was seen; `heading` says what the run was.
pub(crate) fn draw(record: &Record, heading: &str) -> String {
    let rows = rows(&record.bars, MOST_ROWS);
    let height = HEAD + ROW * rows.len() as f32 + FOOT;
    // As far as a second look reaches, also where there is nothing to look at.
    let beyond = record
        .closed
        .map_or(Duration::ZERO, |closed| closed + SECOND_LOOK);
    let picture = Picture {
        record,
        end: record.end.max(beyond).max(Duration::from_millis(1)),
        bottom: height - FOOT,
    };
    let about = picture.about();
    let mut document = Document::new()
        .set("viewBox", format!("0 0 {WIDTH} {height}"))
        .set("width", WIDTH)
        .set("height", height)
        .set("role", "img")
        .add(Title::new(format!("{heading}: {about}")))
        .add(Style::new(STYLE))
        .add(
            rectangle(0.0, 0.0, WIDTH, height)
                .set("rx", 6)
                .set("class", "page"),
        )
        .add(text(MARGIN, 17.0, heading).set("class", "heading"))
        .add(text(MARGIN, 31.0, about).set("class", "faint"))
        .add(picture.grid());
    for (number, row) in rows.iter().enumerate() {
        document = document.add(picture.row(row, HEAD + ROW * number as f32));
    }
    if let Some(closed) = record.closed {
        document = document.add(picture.closed(closed));
    }
    document.add(legend(height - 9.0)).to_string()
}

struct Picture<'a> {
    record: &'a Record,
    /// What the right edge stands for.
    end: Duration,
    /// Where the rows end.
    bottom: f32,
}

impl Picture<'_> {
    fn about(&self) -> String {
        let Some(closed) = self.record.closed else {
            return "not closed".to_owned();
        };
        let after = match self.record.left() {
            0 => "nothing is left".to_owned(),
            1 => "one task goes on".to_owned(),
            left => format!("{left} tasks go on"),
        };
        format!("closed after {} ms: {after}", closed.as_millis())
    }

    fn x(&self, at: Duration) -> f32 {
        let part = at.as_secs_f32() / self.end.as_secs_f32();
        GUTTER + part * TIME
    }

    /// Lines at round times, and what those are.
    fn grid(&self) -> Group {
        let step = step(self.end);
        let times = (0..).map(|i| step * i).take_while(|at| *at <= self.end);
        times.fold(Group::new(), |group, at| {
            let (x, time) = (self.x(at), time(at, step));
            // The last one would go beyond the edge.
            let (x, class) = match x + HALF_A_TIME < WIDTH {
                true => (x, "faint middle"),
                false => (WIDTH - 3.0, "faint end"),
            };
            let label = text(x, self.bottom + 10.0, time).set("class", class);
            group.add(self.line(at).set("class", "grid")).add(label)
        })
    }

    fn line(&self, at: Duration) -> Line {
        let x = rounded(self.x(at));
        let line = Line::new().set("x1", x).set("x2", x);
        line.set("y1", HEAD - 4.0).set("y2", self.bottom + 1.0)
    }

    fn closed(&self, at: Duration) -> Group {
        let label = text(self.x(at) + 3.0, HEAD - 5.0, "closed");
        let label = match self.x(at) + 40.0 > WIDTH {
            true => label.set("x", self.x(at) - 3.0).set("class", "end"),
            false => label,
        };
        Group::new()
            .add(self.line(at).set("class", "closed"))
            .add(label)
    }

    fn row(&self, row: &Row, y: f32) -> Group {
        let indent = INDENT * row.depth as f32;
        let room = ((GUTTER - MARGIN - 4.0 - indent) / CHARACTER) as usize;
        let label = |label: &str| text(MARGIN + indent, y + BAR + 0.5, shortened(label, room));
        let top = y + 1.0;
        let (label, [before, after]) = match &row.bars {
            Bars::One(place) => {
                let bar = &self.record.bars[*place];
                let label = match bar.kind {
                    Kind::Scope => label(&format!("scope {}", bar.name)),
                    Kind::Task => label(&bar.name),
                };
                (label, self.stretches(bar, top))
            }
            Bars::Folded(bars) => {
                let label = label(&format!("{} more", bars.len())).set("class", "faint");
                (label, self.counts(bars, top))
            }
        };
        let group = Group::new().add(label).add(before);
        match after.get_children().is_empty() {
            true => group,
            false => group.add(after.set("class", "left")),
        }
    }

    /// What one did, before the automator was closed and after that.
    fn stretches(&self, bar: &Bar, top: f32) -> [Group; 2] {
        let states = [
            (State::Suspended, "suspended"),
            (State::Ready, "ready"),
            (State::Running, "running"),
        ];
        self.halves(|from, to| {
            let parts = states.map(|(state, class)| {
                let mut shape = Shape::new(top);
                for (begin, end, of) in bar.stretches(self.end) {
                    // What waits is drawn below the rest, without gaps.
                    let is_drawn = of == state || state == State::Suspended;
                    let (begin, end) = (begin.max(from), end.min(to));
                    if is_drawn && begin < end {
                        shape.add(self.x(begin), self.x(end));
                    }
                }
                shape.path(class)
            });
            parts.into_iter().flatten().fold(Group::new(), Group::add)
        })
    }

    /// How many there were of those that are folded, as the height of an area.
    fn counts(&self, bars: &[usize], top: f32) -> [Group; 2] {
        let is_there = |bar: &Bar, at| bar.begin() <= at && bar.end.is_none_or(|end| end > at);
        let count = |at| {
            let bars = bars.iter().map(|place| &self.record.bars[*place]);
            bars.filter(|bar| is_there(bar, at)).count()
        };
        let columns: Vec<_> = (0..COLUMNS)
            .map(|column| self.end.mul_f64(f64::from(column) / f64::from(COLUMNS)))
            .map(|at| (at, count(at)))
            .collect();
        let most = columns.iter().map(|(_, count)| *count).max();
        let most = most.unwrap_or_default().max(1) as f32;
        let bottom = top + BAR;
        self.halves(|from, to| {
            let inside = |at: Duration| from <= at && at < to;
            let mut data = Data::new();
            for (at, count) in columns
                .iter()
                .filter(|(at, count)| inside(*at) && *count > 0)
            {
                let height = rounded(BAR * *count as f32 / most);
                let corner = (rounded(self.x(*at)), bottom);
                data = data.move_to(corner).vertical_line_by(-height);
                data = data.horizontal_line_by(1.0).vertical_line_by(height);
            }
            match data.is_empty() {
                true => Group::new(),
                false => Group::new().add(Path::new().set("d", data).set("class", "suspended")),
            }
        })
    }

    /// Draws what was before the automator was closed, and what was after that.
    fn halves(&self, draw: impl Fn(Duration, Duration) -> Group) -> [Group; 2] {
        let closed = self.record.closed.unwrap_or(self.end);
        [draw(Duration::ZERO, closed), draw(closed, self.end)]
    }
}

/// Rectangles of one colour in one row.
struct Shape {
    top: f32,
    /// From where to where each goes.
    parts: Vec<(f32, f32)>,
}

impl Shape {
    fn new(top: f32) -> Self {
        let parts = Vec::new();
        Self { top, parts }
    }

    /// Adds one, to the right of those that are there.
    fn add(&mut self, from: f32, to: f32) {
        let to = to.max(from + THIN);
        match self.parts.last_mut() {
            Some((_, last)) if from <= *last => *last = last.max(to),
            _ => self.parts.push((from, to)),
        }
    }

    fn path(self, class: &str) -> Option<Path> {
        let parts = self.parts.iter().fold(Data::new(), |data, (from, to)| {
            let width = rounded(to - from);
            data.move_to((rounded(*from), self.top))
                .horizontal_line_by(width)
                .vertical_line_by(BAR)
                .horizontal_line_by(-width)
                .close()
        });
        (!self.parts.is_empty()).then(|| Path::new().set("d", parts).set("class", class))
    }
}

/// What the colours mean.
fn legend(y: f32) -> Group {
    let states = ["running", "ready", "suspended"];
    let places = states.into_iter().zip([0.0, 56.0, 104.0]);
    places.fold(Group::new(), |group, (state, x)| {
        let square = rectangle(GUTTER + x, y - BAR, BAR, BAR).set("class", state);
        group
            .add(square)
            .add(text(GUTTER + x + BAR + 4.0, y, state).set("class", "faint"))
    })
}

fn text(x: f32, y: f32, content: impl Into<String>) -> Text {
    Text::new(content).set("x", rounded(x)).set("y", rounded(y))
}

fn rectangle(x: f32, y: f32, width: f32, height: f32) -> Rectangle {
    let corner = Rectangle::new().set("x", x).set("y", y);
    corner.set("width", width).set("height", height)
}

/// To a tenth of a pixel: more cannot be seen, and makes the file longer.
fn rounded(x: f32) -> f32 {
    (x * 10.0).round() / 10.0
}

/// A round length of time, of which few enough go into `whole`.
fn step(whole: Duration) -> Duration {
    let rounds = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    let mut steps = rounds.map(Duration::from_millis);
    let fits = |step: &Duration| whole <= *step * MOST_STEPS;
    steps.find(fits).expect("there is a longer one")
}

/// What a time is called, where whole steps are.
fn time(at: Duration, step: Duration) -> String {
    match step.as_secs() {
        0 => format!("{} ms", at.as_millis()),
        _ => format!("{} s", at.as_secs()),
    }
}

/// The beginning and the end of a name that is longer than there is room for.
fn shortened(name: &str, room: usize) -> String {
    let length = name.chars().count();
    if length <= room {
        return name.to_owned();
    }
    let word = name.split_inclusive(' ').next().unwrap_or_default();
    let start: String = word.chars().take(room / 2).collect();
    let rest = room.saturating_sub(start.chars().count() + 1);
    let end: String = name.chars().skip(length - rest).collect();
    format!("{start}…{end}")
}
