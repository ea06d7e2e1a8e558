//! Looks whether the proxy passes on what a client forges.

use std::{
    iter,
    net::{IpAddr, SocketAddr},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header::InvalidHeaderValue};
use ipnet::IpNet;
use serde::de::DeserializeOwned;

use super::{
    client,
    finding::Finding,
    server::{Server, ask},
};
use crate::server::{
    admin::Request,
    probe::{Arrived, MARK},
    settings::Settings,
};

const PROXY: &str = "proxy";
const FORWARDED_FOR: &str = "x-forwarded-for";
/// What a forged header says: an address that nobody has (RFC 5737).
const FORGED: &str = "192.0.2.66";
/// What else names a client or a user elsewhere. This server reads none of them.
const UNREAD: [&str; 5] = [
    "forwarded",
    "x-real-ip",
    "remote-user",
    "remote_user",
    "remote.user",
];
const SET_IT: &str = "have the proxy set X-Forwarded-For to the address of the client, as deploy/nginx.conf and deploy/Caddyfile do";

/// Sends a request with forged headers to `PUBLIC_URL`, and asks the running server what arrived of it. Nothing if
/// none runs, or if the site does not answer, which others tell.
pub async fn look(settings: &Settings, server: &Server) -> Vec<Finding> {
    match server {
        Server::Running(_) => send(settings).await.unwrap_or_else(|why| {
            let change = "see the log of the server";
            vec![Finding::wrong(PROXY, why, change)]
        }),
        Server::Absent | Server::Silent(_) => Vec::new(),
    }
}

async fn send(settings: &Settings) -> Result<Vec<Finding>, String> {
    let mark: String = ask_running(settings, Request::ExpectProbe).await?;
    let headers = forged(&mark).map_err(|error| error.to_string())?;
    let site = &settings.public_url;
    if client::get(site.as_url(), headers).await.is_err() {
        return Ok(Vec::new());
    }
    let arrived = ask_running(settings, Request::TakeProbe(mark)).await?;
    Ok(match arrived {
        Some(arrived) => judge(&arrived, site.is_https()),
        None => vec![lost(settings.leptos.site_addr)],
    })
}

fn lost(address: SocketAddr) -> Finding {
    Finding::wrong(
        PROXY,
        "a request to PUBLIC_URL does not arrive at this server",
        format!("have it pass requests on to {address}; if it serves several servers, look again"),
    )
}

async fn ask_running<T: DeserializeOwned>(
    settings: &Settings,
    request: Request,
) -> Result<T, String> {
    let answer = ask(settings, request).await;
    answer.unwrap_or_else(|| Err("the server has ended meanwhile".to_owned()))
}

fn forged(mark: &str) -> Result<HeaderMap, InvalidHeaderValue> {
    let names = UNREAD.into_iter().chain([FORWARDED_FOR]);
    let forged = names.map(|name| {
        let value = HeaderValue::from_static(FORGED);
        (HeaderName::from_static(name), value)
    });
    let mut headers = HeaderMap::from_iter(forged);
    headers.insert(MARK, HeaderValue::from_str(mark)?);
    Ok(headers)
}

fn judge(arrived: &Arrived, is_https: bool) -> Vec<Finding> {
    if !arrived.is_trusted {
        return vec![untrusted(arrived.peer, is_https)];
    }
    let passed_on = UNREAD.into_iter().filter(|name| {
        let mut values = values(arrived, name);
        values.any(|value| value.contains(FORGED))
    });
    let passed_on = passed_on.map(|name| {
        let found = format!("a forged {name} arrives, which this server does not read");
        Finding::warning(PROXY, found, "have the proxy drop it")
    });
    iter::once(forwarded_for(arrived))
        .chain(passed_on)
        .collect()
}

/// The connection comes from nobody who is believed: a proxy if it is https, which this server does not speak.
fn untrusted(peer: IpAddr, is_https: bool) -> Finding {
    match is_https {
        true => Finding::wrong(
            PROXY,
            format!(
                "its address {peer} is not in TRUSTED_PROXIES, so that all clients count as one network"
            ),
            format!("add {} to TRUSTED_PROXIES", IpNet::from(peer)),
        ),
        false => Finding::ok(PROXY, "none is trusted, and no X-Forwarded-For is believed"),
    }
}

fn forwarded_for(arrived: &Arrived) -> Finding {
    let values: Vec<&str> = values(arrived, FORWARDED_FOR).collect();
    if values.is_empty() {
        let found = "no X-Forwarded-For arrives, so that all clients count as one network";
        Finding::wrong(PROXY, found, SET_IT)
    } else if arrived.network == FORGED {
        let found = "a client counts for the address that it claims in X-Forwarded-For";
        Finding::wrong(PROXY, found, SET_IT)
    } else if values.iter().any(|value| value.contains(FORGED)) {
        let found = "a forged X-Forwarded-For arrives, though it does not count";
        Finding::warning(PROXY, found, SET_IT)
    } else {
        let network = &arrived.network;
        Finding::ok(
            PROXY,
            format!("this machine counts as {network}, whatever it claims"),
        )
    }
}

fn values<'a>(arrived: &'a Arrived, name: &str) -> impl Iterator<Item = &'a str> {
    let headers = arrived.headers.iter();
    let headers = headers.filter(move |(header, _)| header == name);
    headers.map(|(_, value)| value.as_str())
}
