//! Prerendered pages: those that are the same for all visitors are rendered once, then copied, since rendering is most of
//! the cost of a page.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use super::rendered::{RenderedPage, Template};

/// The prerendered pages, by path.
#[derive(Default)]
pub struct PrerenderedPages(RwLock<HashMap<&'static str, Template>>);

impl PrerenderedPages {
    /// A copy of the page at `path`. The first call renders it.
    pub fn copy(
        &self,
        path: &'static str,
        form_token: &str,
        render: impl FnOnce() -> RenderedPage,
    ) -> RenderedPage {
        let pages = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = pages.get(path) {
            return page.copy(form_token);
        }
        drop(pages);
        let page = Template::from(render());
        let copy = page.copy(form_token);
        let mut pages = self.0.write().unwrap_or_else(PoisonError::into_inner);
        pages.insert(path, page);
        copy
    }
}
