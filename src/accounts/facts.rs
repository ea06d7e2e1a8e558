//! What the JSON for programs has in it: names and kinds, declared beside what writes it and shown in `/openapi.json`.

/// A member of a JSON object.
#[derive(Debug)]
pub struct Fact {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Whether it may be null, if it is not known or there is none.
    pub is_nullable: bool,
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
            is_nullable: false,
        }
    }

    /// A fact that may be null.
    pub const fn nullable(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            is_nullable: true,
        }
    }
}
