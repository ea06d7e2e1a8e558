//! `fpm-registry doctor`: looks at everything that a server needs, and says what to change.
//!
//! # Layout
//! - [`finding`]: what a look found
//! - [`settings`], [`server`], [`store`], [`keys`], [`disk`], [`mail`], [`site`], [`proxy`]: the looks, one a file
//! - [`client`]: a request to the site; [`certificate`]: what is said of its certificate

pub mod certificate;
pub mod client;
pub mod disk;
pub mod finding;
pub mod keys;
pub mod mail;
pub mod proxy;
pub mod server;
pub mod settings;
pub mod site;
pub mod store;

use std::{process::ExitCode, time::Duration};

use clap::Args;
use serde_json::json;
use tokio::time::timeout;

use self::{finding::Finding, server::Server};
use super::perform::{Output, say};
use crate::{
    accounts::{email::Email, error::Error},
    server::settings::Settings,
};

/// How long one look may take, a second longer than MongoDB has to answer.
const LOOK_TIMEOUT: Duration = Duration::from_secs(6);

/// Looks at settings, store, mail server and site.
#[derive(Args)]
pub struct Doctor {
    /// Send a test mail to this address
    #[arg(long, value_name = "ADDRESS", value_parser = email)]
    send_to: Option<Email>,
    #[command(flatten)]
    output: Output,
}

impl Doctor {
    /// Looks at everything, and prints what it found. The exit code is 0 if nothing is wrong.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        let server = Server::find(settings).await;
        // The key file after the store: only one can have the file of the store open.
        let store_and_keys = async {
            let store = in_time("store", store::look(settings, &server)).await;
            (
                store,
                in_time("key file", keys::look(settings, &server)).await,
            )
        };
        let ((store, keys), mail, site, proxy) = tokio::join!(
            store_and_keys,
            in_time("mail", mail::look(settings, self.send_to.as_ref())),
            in_time("PUBLIC_URL", site::look(settings)),
            in_time("proxy", proxy::look(settings, &server)),
        );
        let findings = [
            settings::look(settings),
            vec![server.finding()],
            store,
            keys,
            vec![disk::look(&settings.data_dir)],
            mail,
            site,
            proxy,
        ];
        self.print(&findings.concat())
    }

    fn print(&self, findings: &[Finding]) -> ExitCode {
        let text = match self.output.json {
            true => {
                let findings: Vec<_> = findings.iter().map(Finding::json).collect();
                format!("{:#}", json!({ "findings": findings }))
            }
            false => {
                let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
                lines.join("\n")
            }
        };
        let printed = say(&text);
        match findings.iter().any(Finding::is_wrong) {
            true => ExitCode::FAILURE,
            false => printed,
        }
    }
}

fn email(typed: &str) -> Result<Email, Error> {
    Email::parse(typed)
}

/// Ends a look that takes too long.
async fn in_time(
    looked_at: &'static str,
    look: impl Future<Output = Vec<Finding>>,
) -> Vec<Finding> {
    timeout(LOOK_TIMEOUT, look).await.unwrap_or_else(|_| {
        let found = format!("there was no answer within {} s", LOOK_TIMEOUT.as_secs());
        let change = "see whether it runs, and whether a firewall is between";
        vec![Finding::wrong(looked_at, found, change)]
    })
}
