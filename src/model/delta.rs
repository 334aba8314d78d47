//! Rows that go into the file or leave it, with the strings that they name, so that they mean the same
//! in every file.

use serde::{Deserialize, Serialize};

use super::{
    kept::KeptBeacon,
    rejection::RefusalKey,
    tally::{AggregateKey, Bar, BreakdownKey, Counters, HistogramKey, TextId},
    text::NameScope,
};

/// What an edit does, or a part of it. To undo it is to take what it added and to add what it took.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// The strings: number n in the rows is the string at n − 1.
    pub names: Vec<String>,
    /// What leaves.
    pub taken: Rows,
    /// What comes.
    pub added: Rows,
    /// Pages that single beacons change wherever they name them; only older releases wrote such.
    pub renamed: Vec<Renamed>,
    /// Names that single beacons change. The last field: what older releases wrote ends before it.
    pub changed: Vec<Changed>,
}

/// Single beacons in which one page becomes another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// Their numbers in the file.
    pub ids: Vec<i64>,
    /// The page as it was.
    pub from: TextId,
    /// The page as it becomes.
    pub to: TextId,
}

/// What of a single beacon is a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeptName {
    /// Its site.
    Site,
    /// What it was counted as.
    Identifier,
    /// The page that it was sent from.
    Page,
    /// The page on which its visit began.
    EntryPage,
    /// The page that was left for it.
    LeftPage,
}

impl KeptName {
    /// Those that may be pages.
    pub const PAGES: [Self; 4] = [Self::Identifier, Self::Page, Self::EntryPage, Self::LeftPage];
}

/// Single beacons in which one name becomes another: those, and no others that have the new one already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Their numbers in the file.
    pub ids: Vec<i64>,
    /// Which name of theirs.
    pub name: KeptName,
    /// What it was.
    pub from: TextId,
    /// What it becomes.
    pub to: TextId,
}

impl Delta {
    /// What undoes it.
    #[must_use]
    pub fn inverse(self) -> Self {
        let swap = |renamed: Renamed| Renamed { from: renamed.to, to: renamed.from, ..renamed };
        let renamed = self.renamed.into_iter().map(swap).collect();
        let swap = |changed: Changed| Changed { from: changed.to, to: changed.from, ..changed };
        let changed = self.changed.into_iter().map(swap).collect();
        Self { names: self.names, taken: self.added, added: self.taken, renamed, changed }
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        let renamed = self.renamed.iter().map(|renamed| &renamed.ids);
        let changed = self.changed.iter().map(|changed| &changed.ids);
        let renamed: usize = renamed.chain(changed).map(Vec::len).sum();
        self.taken.len() + self.added.len() + renamed
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Rows of the file. All but single beacons add up with what is there already.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Aggregates.
    pub aggregates: Vec<(AggregateKey, Counters)>,
    /// Breakdowns.
    pub breakdowns: Vec<(BreakdownKey, Counters)>,
    /// Bars of histograms.
    pub bars: Vec<(HistogramKey, Bar)>,
    /// Titles of identifiers, with the bucket that keeps them.
    pub titles: Vec<(AggregateKey, String)>,
    /// Single beacons that come. Once they are in the file, only their numbers stay here.
    pub kept: Vec<KeptBeacon>,
    /// The numbers of single beacons in the file. Those that leave do not come back.
    pub kept_ids: Vec<i64>,
    /// Beacons that were not counted.
    pub refusals: Vec<(RefusalKey, i64)>,
    /// Since which day (its first instant, UTC seconds) names are known.
    pub known: Vec<(KnownName, i64)>,
    /// When errors were first and last met, UTC seconds.
    pub errors: Vec<([TextId; 3], (i64, i64))>,
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.aggregates.len()
            + self.breakdowns.len()
            + self.bars.len()
            + self.titles.len()
            + self.kept.len()
            + self.kept_ids.len()
            + self.refusals.len()
            + self.known.len()
            + self.errors.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A name, and where it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KnownName {
    /// Where.
    pub scope: NameScope,
    /// The name.
    pub value: TextId,
}
