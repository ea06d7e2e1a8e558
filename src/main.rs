//! Reads the settings, then carries out a command, or opens the store and the mail transport and serves until SIGTERM
//! or Ctrl-C.

#[path = "site/embedded.rs"]
#[cfg(feature = "embed")]
mod site;
#[path = "site/folder.rs"]
#[cfg(not(feature = "embed"))]
mod site;

use std::{
    io::{IsTerminal, stderr, stdout},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use fpm_registry::{
    accounts::{Accounts, clock::Clock, passkeys::RelyingParty, sweeper::Sweeper},
    cli,
    forms::{check::every_server_function_is_a_form, context::Service, cookie::Cookies},
    server::{
        self,
        admin::{Admin, AdminSocket},
        breached::password_policy,
        journal,
        key_file::{look_for_lost_keys, secret_keys},
        last_look::LastLook,
        listen,
        mail::LettreMailer,
        metrics::{Metrics, scrape::Scrape},
        prerendered::PrerenderedPages,
        probe::Probe,
        settings::{LogFormat, NoSettings, Settings, WrongSetting},
        state::State,
        stop_signal::stop_signal,
        store::{self, measured::measured},
    },
};
use futures_util::FutureExt;
use sd_notify::NotifyState;
use tikv_jemallocator::Jemalloc;
use tokio::{net::TcpListener, sync::oneshot, time::timeout};

/// Returns memory to the system after a burst of requests; the allocator of the C library does not.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// How long the mail that is being sent may take after the last request was answered.
const LAST_MAIL_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(sentence) = every_server_function_is_a_form() {
        return exit_with_error(&sentence);
    }
    let (settings, command) = match cli::read() {
        Ok(read) => read,
        Err(NoSettings::Asked(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(NoSettings::Unreadable(sentence)) => return exit_with_error(&sentence),
        Err(NoSettings::Wrong(setting)) => return exit_with_error(&setting.to_string()),
    };
    if let Some(command) = command {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_writer(std::io::stderr)
            .init();
        return command.run(&settings).await;
    }
    start_log(&settings);
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(setting) => exit_with_error(&setting.to_string()),
    }
}

/// A line of text for the journal has its priority; one of JSON stays whole, for the programs that read it.
fn start_log(settings: &Settings) {
    let log = tracing_subscriber::fmt().with_env_filter(settings.log_filter.clone());
    match settings.log_format {
        LogFormat::Json => log.json().with_span_list(false).init(),
        LogFormat::Text if journal::reads(stdout()) => log
            .with_ansi(false)
            .without_time()
            .map_event_format(journal::Prefixed)
            .init(),
        LogFormat::Text => log.with_ansi(stdout().is_terminal()).init(),
    }
}

async fn run(settings: Settings) -> Result<(), WrongSetting> {
    let site = site::open(&settings.leptos)?;
    let policy = password_policy(&settings)?;
    let (store, store_name) = store::open(&settings).await?;
    let secret_keys = secret_keys(&settings)?;
    let metrics = Metrics::default();
    let store = measured(store, &metrics.store);
    let mailer = LettreMailer::open(&settings)?;
    let mail_name = mailer.describe();
    let address = settings.leptos.site_addr;
    let listener = listen_on("LEPTOS_SITE_ADDR", address).await?;
    let admin_listener = match settings.admin_addr {
        Some(address) => Some(listen_on("ADMIN_ADDR", address).await?),
        None => None,
    };

    let open_files = rlimit::increase_nofile_limit(listen::FILES).unwrap_or_else(|error| {
        tracing::warn!(%error, assumed = listen::FILES, "open file limit unknown, assuming the default");
        listen::FILES
    });
    if settings.public_url.is_https() && settings.trusted_proxies.is_empty() {
        tracing::warn!(
            "PUBLIC_URL is https but TRUSTED_PROXIES is empty: behind a proxy, \
             all clients count as one network"
        );
    }
    look_for_lost_keys(&settings, &*store, secret_keys.as_ref()).await;
    let clock = Clock::default();
    let sweeper = Sweeper::new(store.clone(), clock.clone());
    let address = listener.local_addr().unwrap_or(address);
    let (mailer, limits) = (Arc::new(mailer), settings.rate_limits);
    let (accounts, outbox) = Accounts::new(store.clone(), mailer, clock, policy, limits);
    let accounts = accounts.with_legacy_salt(settings.legacy_salt);
    let accounts = accounts.with_secret_keys(secret_keys);
    let relying_party = RelyingParty::new(settings.public_url.as_url());
    let accounts = Arc::new(accounts.with_relying_party(relying_party));
    let proxies = settings.trusted_proxies.clone();
    let probe = Arc::<Probe>::default();
    let router = server::router(Arc::new(State {
        service: Service {
            accounts: accounts.clone(),
            cookies: Cookies {
                secure: settings.public_url.is_https(),
            },
        },
        options: settings.leptos,
        site: Arc::new(site),
        prerendered_pages: PrerenderedPages::default(),
        last_look: LastLook::default(),
        metrics: metrics.requests.clone(),
        public_url: settings.public_url,
        trusted_proxies: settings.trusted_proxies,
        probe: probe.clone(),
    }));
    if let Some(listener) = admin_listener {
        let registry = metrics.registry(accounts.metrics());
        if let Ok(address) = listener.local_addr() {
            tracing::info!("metrics at http://{address}/metrics");
        }
        tokio::spawn(Scrape::new(accounts.clone(), registry).serve(listener));
    }
    let admin = match AdminSocket::bind(&settings.data_dir) {
        Ok(socket) => {
            let admin = Admin {
                accounts: accounts.clone(),
                store: store.clone(),
                probe,
            };
            Some(tokio::spawn(socket.serve(admin)))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot listen on the admin socket, commands will not reach this server");
            None
        }
    };
    let sweeper = tokio::spawn(sweeper.run());
    let due = tokio::spawn(accounts.clone().run_due());
    let (stop_outbox, outbox_stopped) = oneshot::channel::<()>();
    let outbox = tokio::spawn(outbox.run(outbox_stopped.map(drop)));
    tracing::info!(
        "fpm-registry {} listens on http://{address}; store: {store_name}; mail: {mail_name}",
        env!("CARGO_PKG_VERSION")
    );
    tell_service_manager(NotifyState::Ready);
    let connections = metrics.connections;
    listen::serve(
        listener,
        router,
        open_files,
        proxies,
        connections,
        stop_signal(),
    )
    .await;
    if let Some(admin) = admin {
        admin.abort();
    }
    drop(stop_outbox);
    if timeout(LAST_MAIL_TIMEOUT, outbox).await.is_err() {
        tracing::warn!("shutdown interrupted a mail delivery, will retry after the next start");
    }
    sweeper.abort();
    due.abort();
    store.close().await;
    Ok(())
}

async fn listen_on(setting: &str, address: SocketAddr) -> Result<TcpListener, WrongSetting> {
    TcpListener::bind(address).await.map_err(|error| {
        WrongSetting::new(format!(
            "{setting} must be free to listen on, but {address} is not: {error}"
        ))
    })
}

/// Tells systemd, if it started this process as `Type=notify`.
fn tell_service_manager(state: NotifyState) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot reach the service manager, which may end this process");
    }
}

fn exit_with_error(sentence: &str) -> ExitCode {
    let prefix = match journal::reads(stderr()) {
        true => journal::prefix(tracing::Level::ERROR),
        false => "",
    };
    eprintln!("{prefix}fpm-registry: {sentence}");
    ExitCode::FAILURE
}
