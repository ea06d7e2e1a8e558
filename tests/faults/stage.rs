//! Where a scenario plays: a registry on one of its stores, with a mail server.

use std::{
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use mongodb::{
    Client, Collection,
    bson::{Document, doc},
};

use crate::{
    mongod::{Mongod, database_name},
    random,
    smtp::SmtpServer,
    socket::{Registry, Setup, get, try_send},
    wait_for,
};

/// How long mail may wait: for the lease of an attempt that was cut off, and some.
const MAIL_TIMEOUT: Duration = Duration::from_secs(90);

/// A registry that keeps its address over restarts, and what stands around it.
pub struct Stage {
    pub setup: Setup,
    pub address: SocketAddr,
    pub smtp: SmtpServer,
    /// The MongoDB database, where there is one.
    pub database: Option<mongodb::Database>,
}

impl Stage {
    pub fn embedded() -> Self {
        let smtp = wait_for(SmtpServer::polite());
        Self::new(Setup::unlimited(), smtp, None)
    }

    pub fn mongo() -> Self {
        Self::mongo_at(&Mongod::shared().uri(), &Mongod::shared().uri())
    }

    /// The registry reaches its database at `uri`, and the scenario at `direct`.
    pub fn mongo_at(uri: &str, direct: &str) -> Self {
        let name = database_name();
        let client = wait_for(Client::with_uri_str(direct)).unwrap();
        let setup = Setup::unlimited().with("MONGO_URI", uri);
        let setup = setup.with("MONGO_DB_NAME", &name);
        let smtp = wait_for(SmtpServer::polite());
        Self::new(setup, smtp, Some(client.database(&name)))
    }

    fn new(setup: Setup, smtp: SmtpServer, database: Option<mongodb::Database>) -> Self {
        let address = own_address();
        let setup = setup.with("LEPTOS_SITE_ADDR", &address.to_string());
        Self {
            setup: setup.with("SMTP_URL", &smtp.url()),
            address,
            smtp,
            database,
        }
    }

    /// The same, with mail going another way.
    pub fn with_mail_over(mut self, address: SocketAddr) -> Self {
        self.setup = self.setup.with("SMTP_URL", &format!("smtp://{address}"));
        self
    }

    /// Starts the registry; how long it took to its first answer.
    pub fn start(&self) -> (Registry, Duration) {
        let started = Instant::now();
        let registry = self.setup.start();
        let answer = try_send(self.address, &get("/auth/login")).unwrap();
        assert_eq!(answer.status, 200);
        (registry, started.elapsed())
    }

    /// Waits until all mail is out, that of an attempt that was cut off too.
    pub fn wait_for_mail(&self, mut is_there: impl FnMut() -> bool) {
        let started = Instant::now();
        while !is_there() || self.mails_waiting() > 0 {
            let waited = started.elapsed();
            assert!(waited < MAIL_TIMEOUT, "mail is missing after {waited:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
        if self.database.is_none() {
            // The embedded store says nothing of what waits there; it is sent at once.
            std::thread::sleep(Duration::from_secs(3));
        }
    }

    fn mails_waiting(&self) -> u64 {
        self.count("outbox", doc! { "parkedBecause": null })
    }

    /// How many users there are in MongoDB, those who were deleted not among them.
    pub fn users(&self) -> Option<u64> {
        self.database.as_ref()?;
        Some(self.count("users", doc! { "deletedAt": null }))
    }

    fn count(&self, collection: &str, filter: Document) -> u64 {
        let Some(database) = &self.database else {
            return 0;
        };
        let collection: Collection<Document> = database.collection(collection);
        let hint = mongodb::options::Hint::Keys(doc! { "_id": 1 });
        wait_for(collection.count_documents(filter).hint(hint).into_future()).unwrap()
    }
}

/// An address no client gets by chance while the registry is down.
fn own_address() -> SocketAddr {
    loop {
        let port = u16::try_from(20_000 + random(10_000)).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
