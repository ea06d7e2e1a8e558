//! How a passkey is refused, by each form that asks for one or takes one.

use fpm_registry::{
    accounts::{
        operator::request::{Act, EndedFactors},
        user::passkeys::MAX_PASSKEYS,
    },
    forms::form::Form,
};

use crate::{
    PROGRAM,
    common::{
        Answer, Client, Kept, Registry,
        authenticator::Authenticator,
        mails::RESET,
        passkey::{ASK, ORIGIN, PASSKEYS, USE},
    },
    forms::fields_of,
    passkey_login::{NOT_ALONE, REFUSED, UNVERIFIED},
    refusals::address,
    second_factors_stay::OTHER,
};

/// Whether a refusal of this name is given here.
pub fn is_of_passkey(form: &Form, name: &str) -> bool {
    match form.path {
        ASK => ["not-logged-in", "not-found", "too-many-attempts"].contains(&name),
        USE => !["credential-required", "challenge-expired", "not-offered"].contains(&name),
        PASSKEYS => ["passkey-known", "too-many-passkeys"].contains(&name),
        _ => false,
    }
}

/// An answer that refuses a passkey for the reason of this name, with this sentence.
pub async fn refused_passkey(
    registry: &Registry,
    form: &Form,
    name: &str,
    sentence: &str,
) -> Answer {
    let owner = registry.signed_up(PROGRAM, &address()).await;
    match (form.path, name) {
        (ASK, "not-logged-in") => registry.program().post(ASK, &[("purpose", "recent")]).await,
        (ASK, "not-found") => owner.post(ASK, &[("purpose", "recent")]).await,
        (ASK, _) => {
            for _ in 0..300 {
                owner.ask_for_passkey("login").await;
            }
            owner.post(ASK, &[("purpose", "login")]).await
        }
        (USE, "not-logged-in") => {
            let mut phone = owner.add_passkey("Phone").await;
            let asked = owner.ask_for_passkey("recent").await;
            owner.set_cookie("uuid", "");
            owner.send_passkey(&phone.get(&asked).unwrap()).await
        }
        (USE, "too-many-attempts") => {
            for _ in 0..100 {
                owner.ask_for_passkey("login").await;
                let refused = owner.post(USE, &fields_of(form)).await;
                assert_eq!(refused.status, 401, "{}", refused.body);
            }
            owner.ask_for_passkey("login").await;
            owner.post(USE, &fields_of(form)).await
        }
        (USE, _) if sentence == NOT_ALONE => refused_after_recovery(registry).await,
        (USE, _) => refused_login(&owner, sentence).await,
        _ => refused_new(&owner, name).await,
    }
}

async fn refused_login(owner: &Client<'_>, sentence: &str) -> Answer {
    let mut phone = owner.add_passkey("Phone").await;
    match sentence {
        REFUSED => phone.rp_id = Some("evil.example".to_owned()),
        UNVERIFIED => phone.verifies_user = false,
        _ => {
            owner.use_passkey(&mut phone, "login").await;
            phone.counter = Some(0);
        }
    }
    owner.use_passkey(&mut phone, "login").await
}

/// The account was taken back, and nobody has logged in with the new password yet.
async fn refused_after_recovery(registry: &Registry) -> Answer {
    let email = address();
    let owner = registry.confirmed(PROGRAM, &email).await;
    let mut phone = owner.add_passkey("Phone").await;
    let act = Act::Recover {
        email: email.clone(),
        ended: EndedFactors::None,
    };
    registry.operate(&email, act).await;
    let uuid = registry.mailed_uuid(&email).await;
    let fields = [("uuid", &*uuid), ("password", OTHER)];
    let reset = registry.program().post(RESET, &fields).await;
    assert_eq!(reset.status, 200, "{}", reset.body);
    let client = registry.program();
    client.use_passkey(&mut phone, "login").await
}

async fn refused_new(owner: &Client<'_>, name: &str) -> Answer {
    let phone = owner.add_passkey("Phone").await;
    if name == "passkey-known" {
        let again = phone.create_again(&owner.begin_passkey().await);
        return owner.send_new_passkey("Phone", &again.unwrap()).await;
    }
    for _ in 1..MAX_PASSKEYS {
        owner.add_passkey("Phone").await;
    }
    let one_more = Authenticator::new(ORIGIN).create(&owner.begin_passkey().await);
    owner.send_new_passkey("Phone", &one_more.unwrap()).await
}

/// An answer that refuses this form where there are no passkeys.
pub async fn not_offered(form: &Form) -> Answer {
    let registry = Registry::start_at(Kept::Embedded, "http://127.0.0.1:9090").await;
    let client = registry.signed_up(PROGRAM, &address()).await;
    client.post(form.path, &fields_of(form)).await
}
