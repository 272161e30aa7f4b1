//! A race: contestants that do the same work, measured in turns.
//!
//! Every round takes one sample of each contestant, A B C … and then … C B A, so that whatever
//! slows the machine down for a while slows them all down. What is reported is the median of the
//! ratios of the rounds, with their quartiles: a ratio compares two neighbours in time.

use std::time::{Duration, Instant};

use crate::report::Row;

/// Runs a workload so many times; what that cost. The cost is a time in nanoseconds, unless the
/// workload compares something else.
pub(crate) type Run = Box<dyn FnMut(u64) -> f64>;

/// How long and how often to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// A sample repeats the workload until it lasts about so many nanoseconds.
    sample: f64,
    /// Rounds, while the race has lasted less than `budget`.
    most_rounds: usize,
    least_rounds: usize,
    budget: Duration,
    /// Largest number of children in a workload.
    pub(crate) most_children: usize,
}

impl Effort {
    /// For numbers.
    pub(crate) const FULL: Self = Self {
        sample: 3e6,
        most_rounds: 31,
        least_rounds: 5,
        budget: Duration::from_secs(3),
        most_children: 1_000_000,
    };

    /// To see that everything runs.
    pub(crate) const QUICK: Self = Self {
        sample: 0.0,
        most_rounds: 1,
        least_rounds: 1,
        budget: Duration::ZERO,
        most_children: 10,
    };

    /// For what is the same every time.
    pub(crate) fn once(self) -> Self {
        Self {
            most_children: self.most_children,
            ..Self::QUICK
        }
    }
}

struct Contestant {
    run: Run,
    /// Repetitions in a sample.
    repeat: u64,
    /// What one sample is divided by, beside the repetitions.
    units: usize,
    /// The cost of a unit, round by round.
    samples: Vec<f64>,
}

impl Contestant {
    /// Finds out how often to repeat, after a first time that may have to clean up after others.
    fn calibrate(&mut self, sample: f64) {
        (self.run)(1);
        self.repeat = 1;
        loop {
            let cost = (self.run)(self.repeat);
            if cost >= sample {
                return;
            }
            let factor = (sample / cost.max(1.0)).clamp(1.2, 100.0);
            self.repeat = (self.repeat as f64 * factor).ceil() as u64;
        }
    }

    fn sample(&mut self) {
        let cost = (self.run)(self.repeat);
        self.samples
            .push(cost / (self.repeat as f64 * self.units as f64));
    }
}

/// A comparison of two contestants.
struct Pair {
    peer: &'static str,
    ours: usize,
    theirs: usize,
}

/// One workload with all who run it.
pub(crate) struct Race {
    workload: String,
    n: usize,
    contestants: Vec<Contestant>,
    pairs: Vec<Pair>,
}

impl Race {
    /// A race over `workload` with `n` children.
    pub(crate) fn new(workload: impl Into<String>, n: usize) -> Self {
        Self {
            workload: workload.into(),
            n,
            contestants: Vec::new(),
            pairs: Vec::new(),
        }
    }

    /// Adds taskpen and who is compared with it; times are divided by `units`.
    pub(crate) fn add(&mut self, units: usize, ours: Run, peers: Vec<(&'static str, Run)>) {
        let ours = self.enter(units, ours);
        for (peer, run) in peers {
            let theirs = self.enter(units, run);
            self.pairs.push(Pair { peer, ours, theirs });
        }
    }

    /// The same for peers that do another number of units.
    pub(crate) fn add_scaled(
        &mut self,
        ours: (usize, Run),
        peers: Vec<(&'static str, usize, Run)>,
    ) {
        let ours = self.enter(ours.0, ours.1);
        for (peer, units, run) in peers {
            let theirs = self.enter(units, run);
            self.pairs.push(Pair { peer, ours, theirs });
        }
    }

    fn enter(&mut self, units: usize, run: Run) -> usize {
        self.contestants.push(Contestant {
            run,
            repeat: 1,
            units,
            samples: Vec::new(),
        });
        self.contestants.len() - 1
    }

    /// Measures.
    pub(crate) fn run(mut self, effort: Effort) -> Vec<Row> {
        for contestant in &mut self.contestants {
            contestant.calibrate(effort.sample);
        }
        let start = Instant::now();
        let mut rounds = 0;
        while rounds < effort.least_rounds
            || (rounds < effort.most_rounds && start.elapsed() < effort.budget)
        {
            if rounds % 2 == 0 {
                self.contestants.iter_mut().for_each(Contestant::sample);
            } else {
                self.contestants
                    .iter_mut()
                    .rev()
                    .for_each(Contestant::sample);
            }
            rounds += 1;
        }
        self.pairs.iter().map(|pair| self.row(pair)).collect()
    }

    fn row(&self, pair: &Pair) -> Row {
        let ours = &self.contestants[pair.ours].samples;
        let theirs = &self.contestants[pair.theirs].samples;
        let ratios: Vec<_> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
        Row {
            workload: self.workload.clone(),
            n: self.n,
            peer: pair.peer.to_string(),
            ours: quantile(ours, 0.5),
            theirs: quantile(theirs, 0.5),
            ratio: quantile(&ratios, 0.5),
            low: quantile(&ratios, 0.25),
            high: quantile(&ratios, 0.75),
            rounds: ratios.len(),
        }
    }
}

/// The value below which a part of `values` lies.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1) as f64;
    let place = last * part;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    below + (above - below) * place.fract()
}
