//! The table: figures, their references, and verdicts.

use std::fmt;

use crate::plan::StoreKind;

/// What is printed at the end.
#[derive(Default)]
pub struct Table {
    remarks: Vec<String>,
    rows: Vec<Row>,
}

/// A figure, and how it stands to its reference.
pub struct Row {
    pub what: String,
    pub figure: String,
    pub reference: String,
    /// The figure by the reference, in each round.
    pub ratios: Vec<f64>,
    pub target: Target,
}

/// What the ratio should be.
#[derive(Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// It is only looked at.
    None,
}

/// A figure and its reference, measured one after the other.
#[derive(Clone, Copy)]
pub struct Pair {
    pub figure: f64,
    pub reference: f64,
}

impl Table {
    pub fn add(&mut self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            eprintln!("{}", line(&row.cells()));
            self.rows.push(row);
        }
    }

    /// A line above the table.
    pub fn say(&mut self, remark: &str) {
        eprintln!("{remark}");
        self.remarks.push(remark.to_owned());
    }
}

impl Row {
    /// A number of answers a second, by another.
    pub fn of_rates(what: &str, pairs: &[Pair], reference: &str, target: Target) -> Self {
        let by_reference = |pair: &Pair| pair.figure / pair.reference;
        Self::of_pairs(what, pairs, "/s", reference, by_reference, target)
    }

    /// The time of a core that an answer takes, and how much of it the reference would take.
    pub fn of_times(what: &str, pairs: &[Pair], unit: &str, reference: &str) -> Self {
        let (what, unit) = (format!("{what}, time of a core"), format!(" {unit}"));
        let of_figure = |pair: &Pair| pair.reference / pair.figure;
        Self::of_pairs(&what, pairs, &unit, reference, of_figure, Target::None)
    }

    fn of_pairs(
        what: &str,
        pairs: &[Pair],
        unit: &str,
        reference: &str,
        ratio: fn(&Pair) -> f64,
        target: Target,
    ) -> Self {
        let ours: Vec<f64> = pairs.iter().map(|pair| pair.figure).collect();
        let others: Vec<f64> = pairs.iter().map(|pair| pair.reference).collect();
        Self {
            what: what.to_owned(),
            figure: format!("{}{unit}", rounded(median(&ours))),
            reference: format!("{}{unit} {reference}", rounded(median(&others))),
            ratios: pairs.iter().map(ratio).collect(),
            target,
        }
    }

    /// Something that must not exceed what is allowed.
    pub fn of_limit(what: &str, figure: f64, most: f64, unit: &str, reference: &str) -> Self {
        Self {
            what: what.to_owned(),
            figure: format!("{} {unit}", rounded(figure)),
            reference: format!("{} {unit} {reference}", rounded(most)),
            ratios: vec![figure / most],
            target: Target::AtMost(1.0),
        }
    }

    /// The row, with the store it was measured on.
    pub fn on(mut self, store: StoreKind) -> Self {
        self.what = format!("{}, {store}", self.what);
        self
    }

    fn cells(&self) -> [String; 6] {
        let ratio = median(&self.ratios);
        let spread = match self.ratios.len() {
            1 => String::new(),
            _ => format!(
                " ({:.2} to {:.2})",
                self.ratios.iter().copied().fold(f64::INFINITY, f64::min),
                self.ratios.iter().copied().fold(0.0, f64::max)
            ),
        };
        let (target, is_met) = match self.target {
            Target::AtLeast(least) => (format!("≥ {least}"), Some(ratio >= least)),
            Target::AtMost(most) => (format!("≤ {most}"), Some(ratio <= most)),
            Target::None => (String::new(), None),
        };
        let verdict = match is_met {
            Some(true) => "met",
            Some(false) => "SHORT",
            None => "",
        };
        [
            self.what.clone(),
            self.figure.clone(),
            self.reference.clone(),
            format!("{ratio:.2}{spread}"),
            target,
            verdict.to_owned(),
        ]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for remark in &self.remarks {
            writeln!(f, "{remark}")?;
        }
        let head = ["what", "figure", "reference", "ratio", "target", "verdict"];
        writeln!(f, "\n{}", line(&head.map(str::to_owned)))?;
        writeln!(f, "{}", line(&head.map(|_| "---".to_owned())))?;
        self.rows
            .iter()
            .try_for_each(|row| writeln!(f, "{}", line(&row.cells())))
    }
}

fn line(cells: &[String; 6]) -> String {
    format!("| {} |", cells.join(" | "))
}

pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// With three digits that count.
fn rounded(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
