//! What the JSON for programs has in it: names and kinds, declared beside what writes it and shown in `/openapi.json`.

/// A member of a JSON object.
#[derive(Debug)]
pub struct Fact {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What there is if it is not known or there is none.
    pub presence: Presence,
}

/// What there is of a fact that is not known, or if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is always known.
    Always,
    /// Null.
    OrNull,
    /// Nothing: the member is missing.
    Optional,
}

/// The kinds of values.
#[derive(Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A time, RFC 3339 in UTC.
    Time,
    /// A whole number, 0 or more.
    Count,
    /// True or false.
    Flag,
    /// Any JSON object.
    Json,
    /// An object.
    Object(&'static [Fact]),
    /// A list.
    List(&'static Kind),
}

impl Fact {
    /// A fact that is always known.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            presence: Presence::Always,
        }
    }

    /// A fact that may be null.
    pub const fn nullable(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            presence: Presence::OrNull,
        }
    }

    /// A fact that may be missing.
    pub const fn optional(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            presence: Presence::Optional,
        }
    }
}
