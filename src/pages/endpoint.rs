//! What a `GET` reads and answers, for `/openapi.json`.

use crate::{
    accounts::{error::Error, facts::Fact},
    forms::form::Form,
};

/// What a `GET` reads and answers.
#[derive(Debug)]
pub struct Endpoint {
    /// What it is for, in a few words.
    pub summary: &'static str,
    /// What it reads from the query, apart from the notices that forms declare.
    pub query: &'static [Query],
    /// Its answers if it is not refused, by status.
    pub answers: &'static [(u16, Content)],
    /// The headers that its answers have beside those of all, by status.
    pub headers: &'static [(u16, Header)],
    /// Its refusals.
    pub refusals: &'static [&'static [Error]],
    /// The form that it submits for old programs, if the query has its fields.
    pub submits: Option<&'static Form>,
}

/// A value in the query.
#[derive(Debug)]
pub struct Query {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub does: &'static str,
}

/// A header of an answer.
#[derive(Debug)]
pub struct Header {
    /// Its name, in lower case.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub does: &'static str,
    /// Whether every answer of that status has it.
    pub is_always: bool,
}

/// What an answer contains.
#[derive(Debug)]
pub enum Content {
    /// A page, for every client.
    Page,
    /// A page, or these facts for a program.
    PageOrFacts(&'static [Fact]),
    /// These facts, for every client.
    Facts(&'static [Fact]),
    /// Any JSON object.
    Json,
    /// Nothing but a `Location`.
    Redirect,
    /// Nothing.
    Nothing,
}

/// The redirect of a browser, for instance to log in first.
pub const REDIRECT: (u16, Content) = (303, Content::Redirect);

/// Where a login leads.
pub const NEXT: Query = Query {
    name: "next",
    does: "Where a browser is sent after the login: a path of this site.",
};
/// The uuid of a mailed link.
pub const UUID: Query = Query {
    name: "uuid",
    does: "The uuid of the mailed link. Nothing is consumed.",
};
/// Forgets the link.
pub const FORGET: Query = Query {
    name: "forget",
    does: "Makes the browser forget the link.",
};

impl Endpoint {
    /// An endpoint that answers like this and is never refused.
    pub const fn new(summary: &'static str, answers: &'static [(u16, Content)]) -> Self {
        Self {
            summary,
            query: &[],
            answers,
            headers: &[],
            refusals: &[],
            submits: None,
        }
    }
}
