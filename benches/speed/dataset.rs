//! A store filled with users, the servers over it, and the requests its users send.

use std::{fs, net::Ipv4Addr, path::PathBuf, process::Command, sync::Arc, time::Instant};

use fpm_registry::accounts::{
    fair_queue::{Priority, Requester},
    hasher::Hasher,
    metrics::HashMetrics,
    network::Network,
    password::{Password, PasswordHash},
};
use tokio::runtime::Runtime;

use crate::{
    fill,
    load::Ask,
    mongod::{Mongod, database_name},
    socket::{FORM, PASSWORD, Registry, Setup, encode},
};

/// Who fills a store.
const ANYONE: Requester = Requester {
    network: Network::UNKNOWN,
    priority: Priority::Normal,
};
/// What the kernel counts the time of processes in, a second (`USER_HZ`).
const TICKS: f64 = 100.0;

/// A filled store.
pub struct Dataset {
    pub users: u64,
    /// How many upload tokens each of them has.
    pub tokens: u64,
    /// The hash of [`PASSWORD`], which all users have.
    pub password: PasswordHash,
    /// Its name, where it is a database of MongoDB.
    pub database: Option<String>,
    setup: Setup,
}

impl Dataset {
    /// A store with so many users: a database of this MongoDB server, or the embedded one.
    pub fn new(mongod: Option<&Mongod>, users: u64, tokens: u64) -> Self {
        Self::at(mongod.map(Mongod::uri), users, tokens)
    }

    /// The same in the database at this address.
    pub fn at(uri: Option<String>, users: u64, tokens: u64) -> Self {
        let began = Instant::now();
        let runtime = Runtime::new().unwrap();
        let password = Password::chosen(PASSWORD).unwrap();
        let hasher = Hasher::new(Arc::default(), HashMetrics::default());
        let password = runtime.block_on(async {
            let place = hasher.reserve(ANYONE).await?;
            hasher.hash(place, password, Vec::new()).await
        });
        let password = password.unwrap();
        // As in production, with every request from a client of its own behind a proxy.
        let mut setup = Setup::new().with("TRUSTED_PROXIES", "127.0.0.1/32");
        // An error in the log ends no measurement.
        setup.meets_faults = true;
        let mut database = None;
        fs::create_dir_all(setup.folder()).unwrap();
        if let Some(uri) = uri {
            let name = database_name();
            runtime.block_on(fill::mongo(&uri, &name, users, tokens, &password));
            setup = setup.with("MONGO_URI", &uri).with("MONGO_DB_NAME", &name);
            database = Some(name);
        } else {
            runtime.block_on(fill::embedded(setup.folder(), users, tokens, &password));
        }
        crate::plan::progress(&format!("{users} users in {:.0?}", began.elapsed()));
        Self {
            users,
            tokens,
            password,
            database,
            setup,
        }
    }

    /// Starts a server over it.
    pub fn serve(&self) -> Registry {
        self.setup.start()
    }

    /// Where its servers put the mail they send.
    pub fn outbox(&self) -> PathBuf {
        self.setup.folder().join("outbox")
    }

    /// Starts a server over it that has this core alone.
    pub fn serve_on_core(&self, core: usize) -> Registry {
        let program = self.setup.command();
        let mut pinned = Command::new("taskset");
        pinned
            .args(["--cpu-list", &core.to_string()])
            .arg(program.get_program())
            .env_clear()
            .current_dir(program.get_current_dir().unwrap())
            .envs(
                program
                    .get_envs()
                    .filter_map(|(key, value)| Some((key, value?))),
            );
        let started = self.setup.try_start_by(pinned);
        started.unwrap_or_else(|log| panic!("the server ended: {log}"))
    }

    /// Logins of users all over the store.
    pub fn logins(&self) -> Ask {
        let users = self.users;
        Arc::new(move |n| {
            let email = fill::email(scattered(n, users));
            let fields = [("email", email.as_str()), ("password", PASSWORD)];
            post("/auth/login", n, &fields)
        })
    }

    /// Signups of new users.
    pub fn signups(&self) -> Ask {
        Arc::new(|n| {
            let email = format!("new-{n}@example.org");
            let fields = [
                ("name", "Grace Hopper"),
                ("email", email.as_str()),
                ("password", PASSWORD),
            ];
            post("/auth/signup", n, &fields)
        })
    }

    /// `GET /` with the sessions of users all over the store.
    pub fn checks(&self) -> Ask {
        let users = self.users;
        Arc::new(move |n| {
            let session = fill::session(scattered(n, users)).reveal();
            get("/", &format!("Cookie: uuid={session}\r\n"))
        })
    }

    /// Who somebody is, by the sessions of users all over the store.
    pub fn asked_by_session(&self) -> Ask {
        let users = self.users;
        Arc::new(move |n| {
            let session = fill::session(scattered(n, users)).reveal();
            get("/auth/whoami", &format!("Cookie: uuid={session}\r\n"))
        })
    }

    /// Who somebody is, by the upload tokens of users all over the store.
    pub fn asked_by_token(&self) -> Ask {
        let (users, tokens) = (self.users, self.tokens);
        Arc::new(move |n| {
            let token = fill::token(scattered(n, users), n % tokens);
            let bearer = format!("Authorization: Bearer {}\r\n", token.reveal());
            get("/auth/whoami", &bearer)
        })
    }

    /// What the upload tokens of users all over the store allow.
    pub fn token_checks(&self) -> Ask {
        let (users, tokens) = (self.users, self.tokens);
        Arc::new(move |n| {
            let token = fill::token(scattered(n, users), n % tokens);
            let fields = [
                ("token", token.reveal()),
                ("package", "stdlib"),
                ("is_new", "true"),
            ];
            post("/auth/token/check", n, &fields)
        })
    }

    /// Where its users are.
    pub fn folder(&self) -> PathBuf {
        self.setup.folder().to_owned()
    }

    /// A page of the user who has as many sessions and events as a user can have.
    pub fn busy_visits(&self, path: &'static str) -> Ask {
        let session = fill::session(self.users).reveal();
        let request = get(path, &format!("Cookie: uuid={session}\r\n"));
        Arc::new(move |_| request.clone())
    }
}

/// Seconds of a core a process has used, in user and in kernel mode.
pub fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS
}

/// The `n`-th of random numbers below `end`, by SplitMix64.
pub fn scattered(n: u64, end: u64) -> u64 {
    let z = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((u128::from(z ^ (z >> 31)) * u128::from(end)) >> 64) as u64
}

/// A request of a browser; `headers` are whole lines.
pub fn get(path: &str, headers: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: registry.example.org\r\nAccept: text/html\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// A form of the `n`-th client, which has a network of its own.
pub fn post(path: &str, n: u64, fields: &[(&str, &str)]) -> Vec<u8> {
    let body = encode(FORM, fields);
    let network = Ipv4Addr::from_bits(0x0a00_0000 + n as u32);
    format!(
        "POST {path} HTTP/1.1\r\nHost: registry.example.org\r\nX-Forwarded-For: {network}\r\n\
         Content-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
