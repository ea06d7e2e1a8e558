//! Mailed links: how a page is opened by one.

use std::sync::Arc;

use super::request::{Detour, PageRequest};
use crate::{
    accounts::{Accounts, error::Error, token::Token},
    forms::{
        client::Client,
        cookie::Kind,
        field::{LINK_FIELD, UUID_FIELD},
        reply::Reason,
    },
};

/// The word in the query by which the browser forgets the link. A link of another site may use it too: all it does is
/// that the mailed link must be opened again.
const FORGET: &str = "forget";

/// The address at which the browser forgets the link of this page.
pub fn forget(path: &str) -> String {
    [path, "?", FORGET].concat()
}

/// The token of the link that a page is opened with, and what `find` knows of it; nothing is consumed. A browser first
/// has the uuid moved out of its address, into the cookie of this `kind` (ASVS 14.2.1). A dead link is refused.
pub async fn open<T, F>(
    request: &mut PageRequest,
    kind: Kind,
    path: &str,
    find: impl FnOnce(Arc<Accounts>, Token) -> F,
) -> Result<(Token, T), Detour>
where
    F: Future<Output = Result<Option<T>, Error>>,
{
    if let Some(refused) = &request.refused
        && refused.refusal.reason == Reason::LinkDead
    {
        return Err(Detour::Refused(refused.refusal.clone()));
    }
    let cookies = request.service.cookies;
    if request.query(FORGET).is_some() {
        request.cookies.push(cookies.remove(kind));
        return Err(Detour::Redirect("/".to_owned()));
    }
    let uuid = request.query("uuid").filter(|_| request.refused.is_none());
    let token = match (&uuid, &request.refused) {
        (Some(uuid), _) => Token::parse(uuid),
        (None, Some(refused)) => {
            let (uuid, link) = (refused.field(UUID_FIELD), refused.field(LINK_FIELD));
            cookies.link_token(kind, &request.parts.headers, uuid, link)
        }
        (None, None) => cookies.token(kind, &request.parts.headers),
    };
    let found = match &token {
        Some(token) => find(request.service.accounts.clone(), token.clone()).await?,
        None => None,
    };
    match (token, found) {
        (Some(token), Some(_)) if uuid.is_some() && request.client == Client::Page => {
            request.cookies.push(cookies.set(kind, &token));
            Err(Detour::Redirect(path.to_owned()))
        }
        (Some(token), Some(found)) => Ok((token, found)),
        (token, _) => {
            // Any page could link to a made-up uuid, and a form may have been drawn for another link: the cookie goes
            // only if it is the dead one.
            let kept = cookies.token(kind, &request.parts.headers);
            if kept.is_some() && kept == token {
                request.cookies.push(cookies.remove(kind));
            }
            let refused = request.refused.take();
            let refusal = refused.map(|refused| refused.refusal);
            Err(refusal.map_or_else(|| Error::LinkDead.into(), Detour::Refused))
        }
    }
}
