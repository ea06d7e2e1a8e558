//! The settings, from the environment and the command line, and Leptos's own from `Leptos.toml` as of the build.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use ipnet::IpNet;
use leptos::config::{LeptosOptions, get_config_from_str};
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::accounts::legacy::LegacySalt;

/// Leptos's own settings, among them the default address to listen on; a `LEPTOS_` variable wins.
const LEPTOS_TOML: &str = include_str!("../../Leptos.toml");

/// Every setting, as an environment variable and a flag; a flag wins.
#[derive(Args)]
pub struct Arguments {
    /// Where it listens [default: 127.0.0.1:9090]
    #[arg(long, env = "LEPTOS_SITE_ADDR", value_name = "ADDRESS:PORT")]
    leptos_site_addr: Option<String>,

    /// Base of the links in mails, without a path; https turns on Secure cookies and HSTS
    /// [default: `http://<site address>`]
    #[arg(long, env = "PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,

    /// A MongoDB connection string; without it, users are kept in DATA_DIR by this one process
    #[arg(long, env = "MONGO_URI", value_name = "URI", hide_env_values = true)]
    mongo_uri: Option<String>,

    /// The MongoDB database [default: fpmregistry]
    #[arg(long, env = "MONGO_DB_NAME", value_name = "NAME")]
    mongo_db_name: Option<String>,

    /// The folder of the embedded store, and of mail when SMTP_URL is unset [default: data]
    #[arg(long, env = "DATA_DIR", value_name = "FOLDER")]
    data_dir: Option<String>,

    /// The mail server, smtps://user:password@host or smtp://user:password@host:587?tls=required;
    /// without it, mails become .eml files in DATA_DIR/outbox
    #[arg(long, env = "SMTP_URL", value_name = "URL", hide_env_values = true)]
    smtp_url: Option<String>,

    /// The sender of mails [default: fpm-registry <noreply@localhost>]
    #[arg(long, env = "MAIL_FROM", value_name = "MAILBOX")]
    mail_from: Option<String>,

    /// Networks in CIDR notation, separated by commas, whose X-Forwarded-For is believed
    #[arg(long, env = "TRUSTED_PROXIES", value_name = "NETWORKS")]
    trusted_proxies: Option<String>,

    /// Whether attempts are limited; off is for load tests [default: on]
    #[arg(long, env = "RATE_LIMITS", value_name = "on|off")]
    rate_limits: Option<String>,

    /// A filter of breached passwords that cargo xtask breached made, instead of the one in the program
    #[arg(long, env = "BREACHED_FILTER", value_name = "FILE")]
    breached_filter: Option<String>,

    /// The SALT of the registry's first backend, while imported users have the passwords they had there
    #[arg(long, env = "LEGACY_SALT", value_name = "SALT", hide_env_values = true)]
    legacy_salt: Option<String>,

    /// The keys that encrypt the secrets of authenticator apps, one a line as openssl rand -base64 32 makes them, the
    /// newest first [default: DATA_DIR/secret.key, which is made; with MONGO_URI none]
    #[arg(long, env = "SECRET_KEY_FILE", value_name = "FILE")]
    secret_key_file: Option<String>,

    /// Address and port for metrics, at /metrics [default: none]
    #[arg(long, env = "ADMIN_ADDR", value_name = "ADDRESS")]
    admin_addr: Option<String>,

    /// How much is logged, such as warn or fpm_registry=debug,info [default: info]
    #[arg(long, env = "RUST_LOG", value_name = "FILTERS")]
    rust_log: Option<String>,

    /// Whether a line of the log is text or a JSON object [default: text]
    #[arg(long, env = "LOG_FORMAT", value_name = "text|json")]
    log_format: Option<String>,
}

/// The checked settings. No `Debug`, since three of them are or contain secrets.
pub struct Settings {
    /// Leptos's own settings, with the address to listen on.
    pub leptos: LeptosOptions,
    /// Base of the links in mails.
    pub public_url: PublicUrl,
    /// The MongoDB server, if one is used.
    pub mongo_uri: Option<String>,
    /// The MongoDB database.
    pub mongo_db_name: String,
    /// The folder of the embedded store and of mail in files.
    pub data_dir: PathBuf,
    /// The mail server, if one is used.
    pub smtp_url: Option<String>,
    /// The sender of mails.
    pub mail_from: String,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether attempts are limited.
    pub rate_limits: bool,
    /// A filter of breached passwords to use instead of the one in the program.
    pub breached_filter: Option<PathBuf>,
    /// The salt of the first backend.
    pub legacy_salt: Option<LegacySalt>,
    /// The file of the keys that encrypt secrets, if it is not the one that the embedded store has by itself.
    pub secret_key_file: Option<PathBuf>,
    /// The address for metrics, if they are shown.
    pub admin_addr: Option<SocketAddr>,
    /// What is logged.
    pub log_filter: EnvFilter,
    /// How it is written.
    pub log_format: LogFormat,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object, for programs.
    Json,
}

/// An invalid setting: one sentence that names the variable and contains no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongSetting(String);

impl WrongSetting {
    /// An invalid setting; `sentence` says what is wrong.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Why the server does not start with these settings.
#[derive(Debug)]
pub enum NoSettings {
    /// Help or the version was requested; this is its text.
    Asked(String),
    /// The command line cannot be parsed; this says why.
    Unreadable(String),
    /// A setting is invalid.
    Wrong(WrongSetting),
}

impl NoSettings {
    /// Why the command line was not parsed.
    pub fn unparsed(error: clap::Error) -> Self {
        let text = error.to_string();
        match error.use_stderr() {
            true => Self::Unreadable(first_line(&text)),
            false => Self::Asked(text),
        }
    }
}

impl Settings {
    /// Checks what was given.
    pub fn check(arguments: Arguments) -> Result<Self, WrongSetting> {
        let address = non_empty(arguments.leptos_site_addr)
            .map(|address| socket_address("LEPTOS_SITE_ADDR", "127.0.0.1:9090", &address))
            .transpose()?;
        let mut leptos = leptos_options()?;
        leptos.site_addr = address.unwrap_or(leptos.site_addr);
        Ok(Self {
            public_url: match non_empty(arguments.public_url) {
                Some(url) => PublicUrl::parse(&url)?,
                None => PublicUrl::of_address(leptos.site_addr),
            },
            leptos,
            mongo_uri: non_empty(arguments.mongo_uri),
            mongo_db_name: or_default(arguments.mongo_db_name, "fpmregistry"),
            data_dir: or_default(arguments.data_dir, "data").into(),
            smtp_url: non_empty(arguments.smtp_url),
            mail_from: or_default(arguments.mail_from, "fpm-registry <noreply@localhost>"),
            trusted_proxies: networks(&or_default(arguments.trusted_proxies, ""))?,
            rate_limits: match or_default(arguments.rate_limits, "on").as_str() {
                "on" => true,
                "off" => false,
                other => {
                    let sentence = format!("RATE_LIMITS must be on or off, not `{other}`");
                    return Err(WrongSetting::new(sentence));
                }
            },
            breached_filter: non_empty(arguments.breached_filter).map(PathBuf::from),
            legacy_salt: non_empty(arguments.legacy_salt).map(LegacySalt::new),
            secret_key_file: non_empty(arguments.secret_key_file).map(PathBuf::from),
            admin_addr: non_empty(arguments.admin_addr)
                .map(|address| socket_address("ADMIN_ADDR", "127.0.0.1:9091", &address))
                .transpose()?,
            log_filter: log_filter(&or_default(arguments.rust_log, "info"))?,
            log_format: match or_default(arguments.log_format, "text").as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                other => {
                    let sentence = format!("LOG_FORMAT must be text or json, not `{other}`");
                    return Err(WrongSetting::new(sentence));
                }
            },
        })
    }
}

/// The base of the links in mails, `http(s)://host[:port]`.
#[derive(Debug, Clone)]
pub struct PublicUrl {
    url: Url,
    is_default: bool,
}

impl PublicUrl {
    /// Reads a base URL: http or https, a host, and nothing after it.
    pub fn parse(text: &str) -> Result<Self, WrongSetting> {
        let url = Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        let given = |url| Self {
            url,
            is_default: false,
        };
        url.map(given).ok_or_else(|| {
            WrongSetting::new(
                "PUBLIC_URL must be scheme, host and port such as https://registry.example.org",
            )
        })
    }

    /// The URL of the address to listen on, with `localhost` for an unspecified address.
    #[expect(clippy::expect_used, reason = "an address and port always make a URL")]
    fn of_address(address: SocketAddr) -> Self {
        let url = match address.ip().is_unspecified() {
            true => format!("http://localhost:{}", address.port()),
            false => format!("http://{address}"),
        };
        Self {
            url: Url::parse(&url).expect("a URL of an address"),
            is_default: true,
        }
    }

    /// Whether browsers reach the site by https.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The URL, with `/` for a path.
    pub fn as_url(&self) -> &Url {
        &self.url
    }

    /// `scheme://host[:port]`, without a default port.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The same, if it was set and not made of the address to listen on.
    pub fn configured(&self) -> Option<String> {
        (!self.is_default).then(|| self.origin())
    }
}

fn socket_address(name: &str, example: &str, text: &str) -> Result<SocketAddr, WrongSetting> {
    text.parse().map_err(|_| {
        WrongSetting::new(format!(
            "{name} must be an address and port such as {example}, not `{text}`"
        ))
    })
}

fn leptos_options() -> Result<LeptosOptions, WrongSetting> {
    get_config_from_str(LEPTOS_TOML).map_err(|error| {
        WrongSetting::new(format!(
            "The LEPTOS_ variables must hold what Leptos can read: {error}"
        ))
    })
}

/// The value, unless it is empty: an empty variable counts as unset.
fn non_empty(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.trim().is_empty())
}

fn or_default(value: Option<String>, default: &str) -> String {
    non_empty(value).unwrap_or_else(|| default.to_owned())
}

fn networks(list: &str) -> Result<Vec<IpNet>, WrongSetting> {
    list.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| {
            item.parse().map_err(|_| {
                WrongSetting::new(format!(
                    "TRUSTED_PROXIES must be networks such as 10.0.0.0/8, not `{item}`"
                ))
            })
        })
        .collect()
}

fn log_filter(filters: &str) -> Result<EnvFilter, WrongSetting> {
    // The library of passkeys logs what strangers send as errors; each refusal has a line of ours.
    EnvFilter::try_new([filters, ",webauthn_rs_core=off"].concat()).map_err(|_| {
        WrongSetting::new(format!(
            "RUST_LOG must be filters such as warn or fpm_registry=debug,info, not `{filters}`"
        ))
    })
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_scheme_host_and_port() {
        for (text, origin) in [
            (
                "https://registry.example.org",
                "https://registry.example.org",
            ),
            (
                "https://registry.example.org:443/",
                "https://registry.example.org",
            ),
            ("http://[::1]:9090", "http://[::1]:9090"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().origin(), origin);
        }
        for text in [
            "",
            "registry.example.org",
            "ftp://x.org",
            "https://x.org/a",
            "https://u@x.org",
            "https://x.org?a",
        ] {
            let sentence = PublicUrl::parse(text).unwrap_err().to_string();
            assert!(sentence.starts_with("PUBLIC_URL must be "), "{sentence}");
        }
        let address = "0.0.0.0:9090".parse().unwrap();
        assert_eq!(
            PublicUrl::of_address(address).origin(),
            "http://localhost:9090"
        );
        assert_eq!(PublicUrl::of_address(address).configured(), None);
        let set = PublicUrl::parse("https://registry.example.org/").unwrap();
        let configured = set.configured();
        assert_eq!(configured.as_deref(), Some("https://registry.example.org"));
    }

    #[test]
    fn proxies_are_networks() {
        assert_eq!(networks("").unwrap(), []);
        assert_eq!(networks("10.0.0.0/8, ::1/128").unwrap().len(), 2);
        let sentence = networks("10.0.0.1/8,proxy").unwrap_err().to_string();
        assert_eq!(
            sentence,
            "TRUSTED_PROXIES must be networks such as 10.0.0.0/8, not `proxy`"
        );
    }
}
