//! What requests are answered with.

use std::sync::Arc;

use ipnet::IpNet;
use leptos::config::LeptosOptions;

use super::{files::Site, prerendered::PrerenderedPages, settings::PublicUrl};
use crate::forms::context::Service;

/// What requests are answered with.
pub struct State {
    /// The accounts and the names of the cookies.
    pub service: Service,
    /// Leptos's own settings.
    pub options: LeptosOptions,
    /// What the browser loads.
    pub site: Arc<Site>,
    /// Pages that are the same for all.
    pub prerendered_pages: PrerenderedPages,
    /// Where browsers reach the site.
    pub public_url: PublicUrl,
    /// Whose word on where a request comes from is believed.
    pub trusted_proxies: Vec<IpNet>,
}
