//! Second factors as the stores keep them.

use std::sync::Arc;

use fpm_registry::accounts::{
    device_name::DeviceName,
    id::Handle,
    secret_keys::SecretKeys,
    store::{Key, Replaced, Store},
    user::{
        FormerFactors, Passkey, PendingLogin, PendingTotp, RecoveryCode, RecoveryCodes, Totp, User,
    },
};

use crate::{DAY, HOUR, add, add_user, digest, find, now, session, users::replace};

contract! {
    a_waiting_login_is_found_until_it_is_ended
    of_two_that_use_a_code_one_is_stored
}

/// Gives a user all second factors there are, and what is on the way to them.
pub fn add_second_factors(user: &mut User) {
    let keys = SecretKeys::parse(&SecretKeys::random_file_text()).unwrap();
    let secret = || keys.seal(&user.id, b"12345678901234567890");
    let codes = [digest(), digest()].map(|digest| RecoveryCode {
        digest,
        unknown: Default::default(),
    });
    user.totp = Some(Totp {
        secret: secret(),
        added_at: now(),
        used_at: Some(now().plus(HOUR)),
        step: 41_152_263,
        wrong: 3,
        wrong_of_known: 2,
        unknown: Default::default(),
    });
    user.pending_totp = Some(PendingTotp {
        secret: secret(),
        session: user.sessions[0].handle.clone(),
        form: Some(digest()),
        expires_at: now().plus(HOUR),
        unknown: Default::default(),
    });
    user.recovery_codes = Some(RecoveryCodes {
        made_at: now(),
        codes: codes.into(),
        unknown: Default::default(),
    });
    user.passkeys = vec![Passkey {
        handle: Handle::random(),
        name: "Phone".to_owned(),
        added_at: now(),
        used_at: Some(now().plus(DAY)),
        needs_password: true,
        credential: serde_json::from_value("{}".into()).unwrap(),
        unknown: Default::default(),
    }];
    user.former_factors = vec![FormerFactors {
        replaced_at: now().plus(HOUR),
        totp: user.totp.clone(),
        passkey: user.passkeys.first().cloned(),
        recovery_codes: user.recovery_codes.clone(),
        unknown: Default::default(),
    }];
    user.pending_logins = vec![waiting(), waiting()];
    user.sessions[0].second_factor_at = Some(now());
}

fn waiting() -> PendingLogin {
    PendingLogin {
        digest: digest(),
        form: Some(digest()),
        password: digest(),
        of_known_device: true,
        network: "192.0.2.0/24".to_owned(),
        device: Some(DeviceName::of_user_agent("curl/8")),
        wrong: 1,
        expires_at: now().plus(HOUR),
        unknown: Default::default(),
    }
}

async fn a_waiting_login_is_found_until_it_is_ended(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let [first, second] = [waiting(), waiting()];
    let waits = User {
        pending_logins: vec![first.clone(), second.clone()],
        ..ada.clone()
    };
    assert_eq!(find(&store, Key::PendingLogin(&first.digest)).await, None);
    let waits = replace(&store, &ada, &waits, Replaced::Done).await;
    for login in [&first, &second] {
        let found = find(&store, Key::PendingLogin(&login.digest)).await;
        assert_eq!(found.as_ref(), Some(&waits));
        // It is nothing else.
        assert_eq!(find(&store, Key::Session(&login.digest)).await, None);
        assert_eq!(find(&store, Key::ResetLink(&login.digest)).await, None);
    }
    let ended = User {
        pending_logins: vec![second.clone()],
        ..waits.clone()
    };
    let ended = replace(&store, &waits, &ended, Replaced::Done).await;
    assert_eq!(find(&store, Key::PendingLogin(&first.digest)).await, None);
    let found = find(&store, Key::PendingLogin(&second.digest)).await;
    assert_eq!(found, Some(ended));
}

/// Both have read the user before; what a code opens is stored with it, or not at all.
async fn of_two_that_use_a_code_one_is_stored(store: Arc<dyn Store>) {
    let mut ada = crate::user("ada@example.org");
    add_second_factors(&mut ada);
    let ada = add(&store, ada).await;
    let log_in = || {
        let mut user = ada.clone();
        user.totp.as_mut().unwrap().step += 1;
        user.recovery_codes.as_mut().unwrap().codes.pop();
        user.sessions.push(session());
        user
    };
    let (one, other) = (log_in(), log_in());
    let (first, second) = tokio::join!(store.replace(&ada, &one), store.replace(&ada, &other));
    let kept = match (first.unwrap(), second.unwrap()) {
        (Replaced::Done, Replaced::Conflict) => one,
        (Replaced::Conflict, Replaced::Done) => other,
        outcomes => panic!("one of two: {outcomes:?}"),
    };
    let kept = User {
        rev: ada.rev.map(|rev| rev + 1),
        ..kept
    };
    assert_eq!(find(&store, Key::Id(&ada.id)).await, Some(kept));
}
