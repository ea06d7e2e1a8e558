//! What who runs the registry can watch: the metrics on the address for operators.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "common/socket.rs"]
mod socket;

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use fpm_registry::{forms::FORMS, server::PAGES};
use socket::{PASSWORD, Registry, Setup, get, login, post, request, signup, try_send};

/// How long a figure may take to be there on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A registry with metrics, and where they are.
fn start(setup: Setup) -> (Registry, SocketAddr) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let registry = setup.with("ADMIN_ADDR", &address.to_string()).start();
    (registry, address)
}

fn scrape(address: SocketAddr) -> String {
    let answer = try_send(address, &get("/metrics")).unwrap();
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type");
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(answer.body.ends_with("# EOF\n"));
    answer.body
}

/// The samples of a scrape, by name and labels.
fn samples(text: &str) -> HashMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| line.rsplit_once(' ').unwrap());
    samples
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect()
}

/// Scrapes until all these figures are there.
fn wait_for(address: SocketAddr, figures: &[(&str, f64)]) -> String {
    let began = Instant::now();
    loop {
        let text = scrape(address);
        let samples = samples(&text);
        let differs = |(name, figure): &&(&str, f64)| samples.get(name) != Some(figure);
        let Some((name, figure)) = figures.iter().find(differs) else {
            return text;
        };
        let is_late = began.elapsed() > PATIENCE;
        assert!(!is_late, "{name} is not {figure} in {text}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// The samples whose counters are shown before anything has happened, since a counter that appears with its first event
/// hides that event from `increase`.
fn of_rare_events(text: &str) -> BTreeSet<&str> {
    let families = [
        "security_events_total",
        "rate_limit_refusals_total",
        "mail_deliveries_total",
    ];
    let names = samples(text).into_keys();
    names
        .filter(|name| families.iter().any(|family| name.contains(family)))
        .collect()
}

#[test]
fn a_known_load_is_in_the_metrics() {
    let (registry, address) = start(Setup::new());
    let at_start = scrape(address);
    let ada = "ada@example.org";
    registry.sign_up(ada);
    for _ in 0..2 {
        assert_eq!(registry.log_in(ada, "wrong horse").status, 401);
    }
    assert_eq!(registry.log_in(ada, PASSWORD).status, 200);
    let short = [
        ("name", "Eve"),
        ("email", "eve@example.org"),
        ("password", "short"),
    ];
    assert_eq!(registry.send(&post("/auth/signup", &short)).status, 400);
    // Three mails to an address in a quarter of an hour.
    for status in [200, 200, 200, 429] {
        let asked = post("/auth/forgot-password", &[("email", "eve@example.org")]);
        assert_eq!(registry.send(&asked).status, status);
    }
    let page = get("/auth/login").with("Accept", "text/html");
    assert_eq!(registry.send(&page).status, 200);
    let taken = signup(ada).with("Accept", "text/html");
    assert_eq!(registry.send(&taken).status, 400);

    let text = wait_for(
        address,
        &[
            (r#"fpm_registry_build_info{version="0.1.0"}"#, 1.0),
            (
                r#"fpm_registry_http_requests_total{route="/auth/login",method="POST",client="program",status="200"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_http_requests_total{route="/auth/login",method="POST",client="program",status="401"}"#,
                2.0,
            ),
            (
                r#"fpm_registry_http_requests_total{route="/auth/login",method="GET",client="browser",status="200"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_http_requests_total{route="/auth/signup",method="POST",client="browser",status="400"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_http_request_duration_seconds_count{route="/auth/login",method="POST"}"#,
                3.0,
            ),
            (
                r#"fpm_registry_form_submissions_total{form="/auth/signup",outcome="done"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_form_submissions_total{form="/auth/signup",outcome="too-short"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_form_submissions_total{form="/auth/signup",outcome="email-taken"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_form_submissions_total{form="/auth/login",outcome="done"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_form_submissions_total{form="/auth/login",outcome="wrong-login"}"#,
                2.0,
            ),
            (
                r#"fpm_registry_form_submissions_total{form="/auth/forgot-password",outcome="done"}"#,
                3.0,
            ),
            (
                r#"fpm_registry_form_submissions_total{form="/auth/forgot-password",outcome="too-many-attempts"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_rate_limit_refusals_total{limit="mail"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_security_events_total{event="signed-up"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_security_events_total{event="login-failed"}"#,
                2.0,
            ),
            (
                r#"fpm_registry_security_events_total{event="new-device"}"#,
                1.0,
            ),
            (
                r#"fpm_registry_security_events_total{event="reset-asked"}"#,
                3.0,
            ),
            (
                r#"fpm_registry_security_events_total{event="rate-limited"}"#,
                1.0,
            ),
            // A signup and three logins; what is too short is refused before.
            ("fpm_registry_hash_duration_seconds_count", 4.0),
            ("fpm_registry_hashes_running", 0.0),
            ("fpm_registry_hashes_waiting", 0.0),
            ("fpm_registry_hashes_refused_total", 0.0),
            // The confirmation; nobody has the other address.
            (r#"fpm_registry_mail_deliveries_total{outcome="sent"}"#, 1.0),
            (r#"fpm_registry_outbox_mails{state="waiting"}"#, 0.0),
            (r#"fpm_registry_outbox_mails{state="parked"}"#, 0.0),
            (
                r#"fpm_registry_outbox_oldest_age_seconds{state="waiting"}"#,
                0.0,
            ),
            (
                r#"fpm_registry_store_operation_duration_seconds_count{operation="insert",outcome="ok"}"#,
                1.0,
            ),
            ("fpm_registry_connections_evicted_total", 0.0),
        ],
    );
    assert!(!text.contains(r#"outcome="failed""#), "{text}");
    assert_eq!(of_rare_events(&text), of_rare_events(&at_start));
    assert!(at_start.contains(r#"security_events_total{event="not-me"} 0"#));
    assert!(at_start.contains(r#"mail_deliveries_total{outcome="parked"} 0"#));
    named_in_deploy_exist(&text);
}

/// Every metric that the dashboard and the alerts name is one of those that are shown.
fn named_in_deploy_exist(text: &str) {
    let of_text = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let words = words.filter(|word| word.starts_with("fpm_registry_"));
        words.map(str::to_owned).collect()
    };
    let shown = of_text(text);
    for file in ["deploy/alerts.yml", "deploy/grafana-dashboard.json"] {
        let named = of_text(&fs::read_to_string(file).unwrap());
        assert!(named.len() > 5, "{named:?}");
        let unknown: Vec<_> = named.difference(&shown).collect();
        assert!(unknown.is_empty(), "{unknown:?} in {file}, not in {text}");
    }
}

#[test]
fn no_client_chooses_a_label() {
    let (registry, address) = start(Setup::new());
    for request in [
        get("/chosen?chosen"),
        get("/auth/login/chosen").with("Accept", "text/chosen"),
        login("chosen@example.org", "chosen horse").with("User-Agent", "chosen"),
        post("/auth/chosen", &[("chosen", "chosen")]),
        get("/account").with("X-Forwarded-For", "chosen"),
        request("CHOSEN", "/auth/login"),
        request("PUT", "/auth/login"),
    ] {
        registry.send(&request);
    }
    let text = scrape(address);
    assert!(!text.to_lowercase().contains("chosen"), "{text}");
    let paths = PAGES.iter().map(|page| page.path);
    let paths = paths.chain(FORMS.iter().map(|form| form.path));
    let known: BTreeSet<&str> = paths.chain(["other"]).collect();
    let routes: BTreeSet<&str> = text
        .split(r#"route=""#)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(routes, BTreeSet::from(["/account", "/auth/login", "other"]));
    assert!(routes.is_subset(&known));
}

#[test]
fn metrics_are_shown_on_the_address_for_operators_alone() {
    let (registry, address) = start(Setup::new());
    let answer = registry.send(&get("/metrics"));
    assert_eq!(answer.status, 404);
    assert!(!answer.body.contains("fpm_registry"), "{}", answer.body);
    for path in ["/", "/auth/login", "/account", "/health/live"] {
        assert_eq!(try_send(address, &get(path)).unwrap().status, 404);
    }
    let again = Setup::new().with("ADMIN_ADDR", &address.to_string());
    let why = again.try_start().err().unwrap();
    let sentence = format!("ADMIN_ADDR must be free to listen on, but {address} is not: ");
    assert!(why.contains(&sentence), "{why}");
}

/// Whoever reaches the address for operators takes nothing from the site.
#[test]
fn a_crowd_at_the_address_for_operators_keeps_nobody_out() {
    let mut setup = Setup::new();
    setup.open_files = Some(300);
    let (registry, address) = start(setup);
    let idle = || TcpStream::connect(address).unwrap();
    let crowd: Vec<TcpStream> = (0..400).map(|_| idle()).collect();
    let began = Instant::now();
    while registry.open_files() > 100 {
        assert!(began.elapsed() < PATIENCE, "{}", registry.open_files());
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(registry.send(&get("/auth/login")).status, 200);
    assert!(scrape(address).contains("fpm_registry_build_info"));
    drop(crowd);
}

#[test]
fn prometheus_takes_the_alerts_and_fires_each_when_it_should() {
    for (what, file) in [("check", "deploy/alerts.yml"), ("test", "tests/alerts.yml")] {
        let asked = Command::new("promtool")
            .args([what, "rules", file])
            .output();
        let Ok(asked) = asked else {
            eprintln!(
                "no promtool here, so nothing is checked: Debian's package prometheus has it"
            );
            return;
        };
        assert!(asked.status.success(), "{asked:?}");
    }
}
