//! Which bars are shown, and in which rows.

use std::collections::HashMap;

use super::record::Bar;

/// One line of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// How many rows are above it on the way to the root.
    pub(crate) depth: usize,
    pub(crate) bars: Bars,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bars {
    /// The place of one in the record.
    One(usize),
    /// Those for which there is no room.
    Folded(Vec<usize>),
}

/// Bars that have nothing below them, belong to the same scope, and do the same: their names begin
/// with the same word.
struct Group {
    bars: Vec<usize>,
    /// So many have a row of their own.
    shown: usize,
}

impl Group {
    fn is_folded(&self) -> bool {
        self.shown < self.bars.len()
    }

    fn rows(&self) -> usize {
        self.shown + usize::from(self.is_folded())
    }
}

/// What stands below the same bar.
enum Entry {
    Branch(usize),
    Group(usize),
}

/// Puts each bar below its parent, those of a group together. If that takes more than `most` rows,
/// the largest groups show only some of theirs, evenly taken; and at least one.
pub(crate) fn rows(bars: &[Bar], most: usize) -> Vec<Row> {
    let mut tree = Tree::new(bars);
    tree.fit(most);
    let mut rows = Vec::new();
    tree.append(None, 0, &mut rows);
    rows
}

#[derive(Default)]
struct Tree {
    /// What is below each bar, and below none, in the order in which it began.
    below: HashMap<Option<usize>, Vec<Entry>>,
    groups: Vec<Group>,
    branches: usize,
}

impl Tree {
    fn new(bars: &[Bar]) -> Self {
        let mut tree = Self::default();
        let mut numbers = HashMap::new();
        let mut is_branch = vec![false; bars.len()];
        for parent in bars.iter().filter_map(|bar| bar.parent) {
            is_branch[parent] = true;
        }
        for (place, bar) in bars.iter().enumerate() {
            let below = tree.below.entry(bar.parent).or_default();
            if is_branch[place] {
                tree.branches += 1;
                below.push(Entry::Branch(place));
                continue;
            }
            let word = bar.name.split(' ').next();
            let number = *numbers.entry((bar.parent, word)).or_insert_with(|| {
                below.push(Entry::Group(tree.groups.len()));
                tree.groups.push(Group {
                    bars: Vec::new(),
                    shown: 0,
                });
                tree.groups.len() - 1
            });
            tree.groups[number].bars.push(place);
            tree.groups[number].shown += 1;
        }
        tree
    }

    /// Folds until there are at most so many rows, or nothing is left to fold.
    fn fit(&mut self, most: usize) {
        let rows = self.groups.iter().map(Group::rows);
        let mut rows = self.branches + rows.sum::<usize>();
        while rows > most {
            let largest = self.groups.iter_mut().max_by_key(|group| group.shown);
            let Some(group) = largest.filter(|group| group.shown > 1) else {
                return;
            };
            rows -= group.rows();
            group.shown -= 1;
            rows += group.rows();
        }
    }

    fn append(&self, parent: Option<usize>, depth: usize, rows: &mut Vec<Row>) {
        for entry in self.below.get(&parent).into_iter().flatten() {
            match *entry {
                Entry::Branch(place) => {
                    let bars = Bars::One(place);
                    rows.push(Row { depth, bars });
                    self.append(Some(place), depth + 1, rows);
                }
                Entry::Group(number) => {
                    let (shown, folded) = self.groups[number].split();
                    let shown = shown.into_iter().map(Bars::One);
                    let folded = (!folded.is_empty()).then_some(Bars::Folded(folded));
                    rows.extend(shown.chain(folded).map(|bars| Row { depth, bars }));
                }
            }
        }
    }
}

impl Group {
    /// Those that are shown, with as many others between each two of them; and the others.
    fn split(&self) -> (Vec<usize>, Vec<usize>) {
        let last = self.bars.len() - 1;
        let gaps = (self.shown - 1).max(1);
        let shown: Vec<_> = (0..self.shown)
            .map(|i| self.bars[i * last / gaps])
            .collect();
        let others = self.bars.iter().copied();
        let folded = others.filter(|bar| shown.binary_search(bar).is_err());
        (shown.clone(), folded.collect())
    }
}
