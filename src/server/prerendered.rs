//! Pages that are the same for all: drawn once, then copied. Drawing is what a page costs most.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use super::drawn::Drawn;

/// The pages that were prerendered since the start, by their path.
#[derive(Default)]
pub struct PrerenderedPages(RwLock<HashMap<&'static str, Drawn>>);

impl PrerenderedPages {
    /// A copy of the page at `path`, which is drawn if it was not yet.
    pub fn copy(
        &self,
        path: &'static str,
        form_token: &str,
        draw: impl FnOnce() -> Drawn,
    ) -> Drawn {
        let pages = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = pages.get(path) {
            return page.copy(form_token);
        }
        drop(pages);
        let page = draw();
        let copy = page.copy(form_token);
        let mut pages = self.0.write().unwrap_or_else(PoisonError::into_inner);
        pages.insert(path, page);
        copy
    }
}
