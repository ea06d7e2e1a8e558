//! The built site in a folder, where cargo-leptos puts it.

use fpm_registry::server::{files::Site, settings::WrongSetting};
use leptos::config::LeptosOptions;

/// Opens the site. Fails if it was not built with this binary.
pub fn open(options: &LeptosOptions) -> Result<Site, WrongSetting> {
    Site::in_folder(options)
}
