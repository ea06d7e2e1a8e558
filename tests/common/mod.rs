//! The registry as a test sees it: started whole in this process, spoken to as a client speaks.
#![allow(dead_code, unused_macros, reason = "each suite uses a part of it")]

mod answer;
pub mod authenticator;
pub mod authenticator_app;
pub mod document;
pub mod mails;
pub mod mongod;
pub mod passkey;

/// What secrets are encrypted with, in all processes of a test.
const SECRET_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Every test, once for each store.
macro_rules! contract {
    ($($test:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::Registry::start(super::Kept::Embedded).await).await;
            })*
        }
        mod mongo {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::Registry::start(super::Kept::Mongo).await).await;
            })*
        }
    };
}

use std::{
    cell::{Cell, RefCell},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use self::document::Document;
pub use answer::Answer;
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, header, request::Builder},
};
use fpm_registry::{
    accounts::{
        Accounts,
        clock::Clock,
        operator::request::{self as operator, Act},
        passkeys::RelyingParty,
        password::HashCost,
        policy::PasswordPolicy,
        secret_keys::SecretKeys,
        store::Store,
    },
    forms::{context::Service, cookie::Cookies},
    server::{
        self,
        files::Site,
        last_look::LastLook,
        mail::{LettreMailer, Sender, Transport, memory::Inbox},
        metrics::requests::RequestMetrics,
        prerendered::PrerenderedPages,
        router,
        settings::PublicUrl,
        state::State,
        store::{open_embedded, open_mongo},
        with_layers,
    },
};
use leptos::config::LeptosOptions;
use mongod::{Mongod, database_name};
use serde_json::Value;
use tokio::sync::OnceCell;
use tower::ServiceExt;

/// A password nobody is told is too easy.
pub const PASSWORD: &str = "correct horse battery";

/// One that is known from a breach and is hard to guess otherwise, and what is said of it.
pub const BREACHED: (&str, &str) = (
    "wtxjes232",
    "Password is too easy to guess: it is in lists of leaked passwords",
);

/// Nobody's.
pub const WRONG_PASSWORD: &str = "wrong horse battery";

/// Which store the registry keeps its users in.
#[derive(Debug, Clone, Copy)]
pub enum Kept {
    Embedded,
    Mongo,
}

/// How a registry is set up.
pub struct Setup {
    pub public_url: &'static str,
    pub rate_limits: bool,
    pub trusted_proxies: &'static [&'static str],
    pub secret_key: Option<&'static str>,
    /// What a hash costs: the least, but where the hashes themselves matter, or how long they take.
    pub hash_cost: HashCost,
    /// Where its mails arrive.
    pub inbox: Inbox,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            public_url: "http://localhost:9090",
            rate_limits: true,
            trusted_proxies: &[],
            secret_key: Some(SECRET_KEY),
            hash_cost: HashCost::LEAST,
            inbox: Inbox::default(),
        }
    }
}

impl Setup {
    /// With hashes as in production.
    pub fn with_standard_hashes() -> Self {
        Self {
            hash_cost: HashCost::STANDARD,
            ..Self::default()
        }
    }
}

/// A running registry.
pub struct Registry {
    pub inbox: Inbox,
    pub clock: Clock,
    pub store: Arc<dyn Store>,
    /// The MongoDB database, where there is one.
    pub database: Option<mongodb::Database>,
    state: Arc<State>,
    clients: Cell<u32>,
    router: Router,
    outbox: tokio::task::JoinHandle<()>,
    folder: PathBuf,
}

impl Registry {
    /// Starts a registry with no users.
    pub async fn start(kept: Kept) -> Self {
        Self::start_as(kept, Setup::default()).await
    }

    /// Starts a registry with this public URL.
    pub async fn start_at(kept: Kept, public_url: &'static str) -> Self {
        let setup = Setup {
            public_url,
            ..Setup::default()
        };
        Self::start_as(kept, setup).await
    }

    /// Starts a registry set up like this.
    pub async fn start_as(kept: Kept, setup: Setup) -> Self {
        let folder = std::env::temp_dir().join(format!("fpm-registry-{}", uuid::Uuid::new_v4()));
        match kept {
            Kept::Embedded => {
                Self::start_with(open_embedded(&folder).unwrap(), None, folder, setup)
            }
            Kept::Mongo => {
                let uri = Mongod::shared().uri();
                Self::start_on(&uri, &database_name(), folder, setup).await
            }
        }
    }

    /// Starts a registry on a MongoDB server of its own, to be stopped under it.
    pub async fn start_on_own_mongod() -> (Self, Mongod) {
        let mongod = Mongod::start(&[]).unwrap();
        let (name, setup) = (database_name(), Setup::default());
        let registry = Self::start_on(&mongod.uri(), &name, PathBuf::new(), setup).await;
        (registry, mongod)
    }

    /// Starts a registry that reaches MongoDB by this connection string.
    pub async fn start_behind(uri: &str) -> Self {
        let setup = Setup::with_standard_hashes();
        Self::start_on(uri, &database_name(), PathBuf::new(), setup).await
    }

    /// A second process on the MongoDB database of this one. Either sends the mails of both, to one inbox.
    pub async fn twin(&self) -> Self {
        self.twin_as(Setup::default()).await
    }

    /// The same, set up like this.
    pub async fn twin_as(&self, setup: Setup) -> Self {
        let name = self.database.as_ref().expect("kept in MongoDB").name();
        let inbox = self.inbox.clone();
        let setup = Setup { inbox, ..setup };
        Self::start_on(&Mongod::shared().uri(), name, PathBuf::new(), setup).await
    }

    async fn start_on(uri: &str, name: &str, folder: PathBuf, setup: Setup) -> Self {
        let client = mongodb::Client::with_uri_str(uri).await.unwrap();
        let store = open_mongo(uri, name).await.unwrap();
        Self::start_with(store, Some(client.database(name)), folder, setup)
    }

    fn start_with(
        store: Arc<dyn Store>,
        database: Option<mongodb::Database>,
        folder: PathBuf,
        setup: Setup,
    ) -> Self {
        let inbox = setup.inbox;
        let clock = Clock::default();
        let public_url = PublicUrl::parse(setup.public_url).unwrap();
        let mailer = LettreMailer::new(
            public_url.as_url(),
            Sender::parse("fpm-registry <noreply@localhost>").unwrap(),
            Transport::Memory(inbox.clone()),
        );
        let (accounts, outbox) = Accounts::new(
            store.clone(),
            Arc::new(mailer),
            clock.clone(),
            PasswordPolicy::default(),
            setup.rate_limits,
        );
        let keys = setup.secret_key.map(SecretKeys::parse);
        let accounts = accounts
            .with_hash_cost(setup.hash_cost)
            .with_secret_keys(keys.map(Result::unwrap))
            .with_relying_party(RelyingParty::new(public_url.as_url()));
        let proxies = setup.trusted_proxies.iter();
        let options = LeptosOptions::builder().output_name("fpm-registry").build();
        let state = Arc::new(State {
            service: Service {
                accounts: Arc::new(accounts),
                cookies: Cookies {
                    secure: public_url.is_https(),
                },
            },
            site: Arc::new(Site::empty(&options)),
            prerendered_pages: PrerenderedPages::default(),
            last_look: LastLook::default(),
            metrics: RequestMetrics::default(),
            options,
            public_url,
            trusted_proxies: proxies.map(|network| network.parse().unwrap()).collect(),
            probe: Arc::default(),
        });
        Self {
            inbox,
            clock,
            store,
            database,
            clients: Cell::new(0),
            router: router(state.clone()),
            state,
            outbox: tokio::spawn(outbox.run(std::future::pending())),
            folder,
        }
    }

    /// The same registry with another set of routes behind its layers.
    pub fn with_routes(mut self, routes: Router) -> Self {
        self.router = with_layers(routes, self.state.clone());
        self
    }

    /// Serves it to other programs until the task is aborted; where.
    pub async fn listen(&self) -> (SocketAddr, tokio::task::JoinHandle<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = self.router.clone();
        let service = service.into_make_service_with_connect_info::<SocketAddr>();
        let serve = async { axum::serve(listener, service).await.unwrap() };
        (address, tokio::spawn(serve))
    }

    /// A client without cookies, at an address of its own.
    pub fn client(&self, kind: Kind) -> Client<'_> {
        self.clients.set(self.clients.get() + 1);
        let address = Ipv4Addr::from_bits(0x0a00_0000 + self.clients.get());
        self.client_at(kind, address.into())
    }

    /// A client without cookies at this address.
    pub fn client_at(&self, kind: Kind, address: IpAddr) -> Client<'_> {
        Client {
            registry: self,
            kind,
            address,
            forwarded_for: None,
            user_agent: None,
            jar: RefCell::default(),
        }
    }

    /// A program that sends forms, as curl does.
    pub fn program(&self) -> Client<'_> {
        self.client(Kind::Program(Encoding::Form))
    }

    /// A browser without scripts.
    pub fn browser(&self) -> Client<'_> {
        self.client(Kind::Browser)
    }

    /// Makes the account of `email`, with [`PASSWORD`].
    pub async fn add_user(&self, email: &str) {
        let fields = [
            ("name", "Ada Lovelace"),
            ("email", email),
            ("password", PASSWORD),
        ];
        let answer = self.program().post("/auth/signup", &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Fails to log in so many times, each time from another network.
    pub async fn fail_logins(&self, email: &str, times: usize) {
        for _ in 0..times {
            let client = self.program();
            let answer = client.login(email, WRONG_PASSWORD).await;
            answer.assert_refused(client.kind, 401, "Invalid email or password", None);
        }
    }

    /// Does what is due to users by now; to how many.
    pub async fn do_due(&self) -> usize {
        self.state.service.accounts.do_due().await.unwrap()
    }

    /// Has an operator do something to a user; what the operator is told.
    pub async fn operate(&self, email: &str, act: Act) -> Value {
        let who = email.to_owned();
        let done = self
            .state
            .service
            .accounts
            .operate(operator::Request::User { who, act });
        done.await.unwrap().facts
    }

    /// Sets the clock back.
    pub fn turn_back(&self, span: Duration) {
        self.clock.turn_back(span);
    }

    /// Moves the clock.
    pub fn wait(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Sends a request as it is. The answer has to be as `/openapi.json` says.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (path, method) = (request.uri().path().to_owned(), request.method().clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let answer = Answer::read(path, response).await;
        self.document().await.assert_has(&method, &answer);
        answer
    }

    /// What the registry says of its routes, the same for all registries but for the names of server and cookies.
    pub async fn document(&self) -> &'static Document {
        static DOCUMENT: OnceCell<Document> = OnceCell::const_new();
        let read = async || {
            let response = server::description(&self.state).answer(&HeaderMap::new());
            Document(Answer::read(String::new(), response).await.json())
        };
        DOCUMENT.get_or_init(read).await
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.outbox.abort();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The three kinds of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Program(Encoding),
    Browser,
    HydratedForm,
}

impl Kind {
    /// What the client asks for.
    pub fn accept(self) -> &'static str {
        match self {
            Self::Program(_) => "*/*",
            Self::Browser => "text/html,application/xhtml+xml,*/*;q=0.8",
            Self::HydratedForm => "application/json",
        }
    }
}

/// How a program writes its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Form,
    Multipart,
    Json,
}

impl Encoding {
    pub const ALL: [Self; 3] = [Self::Form, Self::Multipart, Self::Json];

    /// What the fields are sent as: the content type and the body.
    pub fn encode(self, fields: &[(&str, &str)]) -> (&'static str, String) {
        match self {
            Self::Form => ("application/x-www-form-urlencoded", urlencoded(fields)),
            Self::Multipart => ("multipart/form-data; boundary=frontier", multipart(fields)),
            Self::Json => ("application/json", json(fields)),
        }
    }
}

/// Every way to send the same request.
pub const EVERY_CLIENT: [Kind; 5] = [
    Kind::Program(Encoding::Form),
    Kind::Program(Encoding::Multipart),
    Kind::Program(Encoding::Json),
    Kind::Browser,
    Kind::HydratedForm,
];

/// A client that keeps its cookies.
pub struct Client<'a> {
    registry: &'a Registry,
    kind: Kind,
    address: IpAddr,
    /// What its requests say in `X-Forwarded-For`.
    pub forwarded_for: Option<&'static str>,
    /// What it calls itself.
    pub user_agent: Option<&'static str>,
    jar: RefCell<Vec<(String, String)>>,
}

impl Client<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Body::empty(), None).await
    }

    /// The same with one more header.
    pub async fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        let request = Request::get(path).header(name, value);
        self.send_as(request, Body::empty()).await
    }

    pub async fn head(&self, path: &str) -> Answer {
        self.send(Method::HEAD, path, Body::empty(), None).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encoding = match self.kind {
            Kind::Program(encoding) => encoding,
            _ => Encoding::Form,
        };
        let (content_type, body) = encoding.encode(fields);
        self.send(Method::POST, path, body.into(), Some(content_type))
            .await
    }

    /// Posts an empty body of no type.
    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(Method::POST, path, Body::empty(), None).await
    }

    pub async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/auth/login", &[("email", email), ("password", password)])
            .await
    }

    /// Another client with the cookies that this one has now.
    pub fn copy(&self, kind: Kind) -> Self {
        Client {
            kind,
            jar: self.jar.clone(),
            ..*self
        }
    }

    /// A program with these cookies.
    pub fn as_program(&self) -> Self {
        self.copy(EVERY_CLIENT[0])
    }

    /// The facts of a page, as a program with the cookies of this client gets them.
    pub async fn facts(&self, path: &str) -> Value {
        let answer = self.as_program().get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub async fn is_logged_in(&self) -> bool {
        let page = self.get("/").await;
        assert_eq!(page.status, 200);
        page.body.contains("You are logged in as")
    }

    /// The value of a cookie the client keeps.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let jar = self.jar.borrow();
        jar.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        let mut jar = self.jar.borrow_mut();
        jar.retain(|(key, _)| key != name);
        if !value.is_empty() {
            jar.push((name.to_owned(), value.to_owned()));
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Body,
        content_type: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        self.send_as(request, body).await
    }

    /// Sends a request with all that this client adds to it.
    async fn send_as(&self, mut request: Builder, body: Body) -> Answer {
        request = request.header(header::ACCEPT, self.kind.accept());
        if matches!(self.kind, Kind::Browser | Kind::HydratedForm) {
            request = request.header("sec-fetch-site", "same-origin");
        }
        let cookies: Vec<String> = self
            .jar
            .borrow()
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(addresses) = self.forwarded_for {
            request = request.header("x-forwarded-for", addresses);
        }
        if let Some(name) = self.user_agent {
            request = request.header(header::USER_AGENT, name);
        }
        let peer = ConnectInfo(SocketAddr::new(self.address, 4711));
        let request = request.extension(peer).body(body).unwrap();
        let answer = self.registry.send(request).await;
        for cookie in answer.set_cookies() {
            let (pair, _) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.set_cookie(name, value);
        }
        answer
    }
}

fn urlencoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn json(fields: &[(&str, &str)]) -> String {
    let members: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).into()))
        .collect();
    Value::Object(members).to_string()
}

fn multipart(fields: &[(&str, &str)]) -> String {
    let parts = fields.iter().map(|(name, value)| {
        format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    parts.collect::<String>() + "--frontier--\r\n"
}
