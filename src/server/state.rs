//! What all handlers share.

use std::sync::Arc;

use ipnet::IpNet;
use leptos::config::LeptosOptions;

use super::{
    files::Site, last_look::LastLook, metrics::requests::RequestMetrics,
    prerendered::PrerenderedPages, probe::Probe, settings::PublicUrl,
};
use crate::{accounts::health::Health, forms::context::Service};

/// What all handlers share.
pub struct State {
    /// The accounts and the names of the cookies.
    pub service: Service,
    /// Leptos's own settings.
    pub options: LeptosOptions,
    /// Static files.
    pub site: Arc<Site>,
    /// Prerendered pages.
    pub prerendered_pages: PrerenderedPages,
    /// The last look at whether all works.
    pub last_look: LastLook<Health>,
    /// What is counted of requests.
    pub metrics: RequestMetrics,
    /// The URL that browsers use.
    pub public_url: PublicUrl,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The request that an operator expects.
    pub probe: Arc<Probe>,
}
