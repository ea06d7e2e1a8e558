//! The kinds of clients.

/// The kinds of clients, by content negotiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A browser that loads pages, with or without scripts.
    Page,
    /// Any other client, and hydrated forms. Gets JSON.
    Program,
}
