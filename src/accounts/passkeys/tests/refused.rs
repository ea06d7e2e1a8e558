use serde_json::json;

use super::*;

/// Asserts that this is refused, whose cause in the log has these words.
#[track_caller]
fn assert_refused<T: fmt::Debug>(result: Result<T, PasskeyRefusal>, words: &str) {
    match result {
        Err(Refused(cause)) => assert!(cause.contains(words), "{cause}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_authenticator_that_nobody_touches_is_refused() {
    let (mut phone, known) = phone();
    phone.is_touched = false;
    assert_refused(second_factor(&mut phone, &[known]), "user present bit");
    assert_refused(add(&mut phone), "user present bit");
}

#[test]
fn an_id_has_between_1_and_1023_bytes() {
    let mut phone = Authenticator::new(ORIGIN);
    for (id_bytes, is_taken) in [(0, false), (1, true), (1023, true), (1024, false)] {
        phone.id_bytes = id_bytes;
        match is_taken {
            true => drop(add(&mut phone).unwrap()),
            false => assert_refused(add(&mut phone), "empty or too long"),
        }
    }
}

#[test]
fn another_challenge_is_refused() {
    let words = "challenge differs";
    let (mut phone, known) = phone();
    let known = [known];
    let (begun, other) = (site().begin_login().unwrap(), site().begin_login().unwrap());
    let used = phone.get(&begun.options).unwrap().to_string();
    let result = site().finish_login(&other.state, &used, &known);
    assert_refused(result, words);
    site().finish_login(&begun.state, &used, &known).unwrap();

    let (begun, other) = (begin_adding(&[]), begin_adding(&[]));
    let made = phone.create(&begun.options).unwrap().to_string();
    assert_refused(site().finish_adding(&other.state, &made), words);
    site().finish_adding(&begun.state, &made).unwrap();
}

#[test]
fn a_challenge_is_for_one_purpose() {
    let (mut phone, known) = phone();
    let (adding, login) = (begin_adding(&[]), site().begin_login().unwrap());
    let used = phone.get(&login.options).unwrap().to_string();
    let result = site().finish_login(&adding.state, &used, &[known]);
    assert_refused(result, "missing field");
    let made = phone.create(&adding.options).unwrap().to_string();
    let result = site().finish_adding(&login.state, &made);
    assert_refused(result, "missing field");
}

#[test]
fn what_the_browser_says_must_be_so() {
    let origin = "relying party origin";
    for (name, value, words) in [
        ("origin", json!("https://registry.example.com"), origin),
        ("origin", json!("https://sub.registry.example.org"), origin),
        ("origin", json!("https://registry.example.org:8443"), origin),
        ("origin", json!("http://registry.example.org"), origin),
        ("type", json!("webauthn.other"), "webauthn.<method>"),
        ("challenge", json!("AAAA"), "challenge differs"),
    ] {
        let (mut phone, known) = phone();
        phone.client_data.insert(name.to_owned(), value);
        let known = [known];
        assert_refused(log_in(&mut phone, &known), words);
        assert_refused(second_factor(&mut phone, &known), words);
        assert_refused(add(&mut phone), words);
    }
}

#[test]
fn a_login_is_no_addition_and_the_other_way_round() {
    let words = "webauthn.<method>";
    let (mut phone, known) = phone();
    phone
        .client_data
        .insert("type".to_owned(), "webauthn.create".into());
    assert_refused(log_in(&mut phone, &[known]), words);
    phone
        .client_data
        .insert("type".to_owned(), "webauthn.get".into());
    assert_refused(add(&mut phone), words);
}

#[test]
fn a_frame_of_another_site_is_refused() {
    let (mut phone, known) = phone();
    phone
        .client_data
        .insert("crossOrigin".to_owned(), true.into());
    assert_refused(log_in(&mut phone, &[known]), "in a frame of another");
    assert_refused(add(&mut phone), "cross-origin");
}

#[test]
fn a_passkey_for_another_site_is_refused() {
    let words = "relying party id hash";
    let (mut phone, known) = phone();
    for id in ["example.org", "registry.example.com"] {
        phone.rp_id = Some(id.to_owned());
        let known = [known.clone()];
        assert_refused(log_in(&mut phone, &known), words);
        assert_refused(second_factor(&mut phone, &known), words);
        let mut other = Authenticator::new(ORIGIN);
        other.rp_id = Some(id.to_owned());
        assert_refused(add(&mut other), words);
    }
}

#[test]
fn a_counter_that_goes_back_is_told_apart() {
    let (mut phone, known) = phone();
    phone.counter = Some(7);
    let known = [log_in(&mut phone, &[known]).unwrap().credential];
    for before in [Some(0), Some(6), Some(7), None] {
        phone.counter = before;
        assert_eq!(log_in(&mut phone, &known).unwrap_err(), CounterWentBack);
        phone.counter = before;
        assert_eq!(
            second_factor(&mut phone, &known).unwrap_err(),
            CounterWentBack
        );
    }
    phone.counter = Some(8);
    log_in(&mut phone, &known).unwrap();
}

#[test]
fn a_counter_that_nobody_signed_does_not_tell_of_a_copy() {
    let (mut phone, known) = phone();
    phone.counter = Some(7);
    let known = [log_in(&mut phone, &[known]).unwrap().credential];
    phone.counter = Some(3);
    let begun = site().begin_login().unwrap();
    let mut used = phone.get(&begun.options).unwrap();
    let other = phone.get(&site().begin_login().unwrap().options).unwrap();
    used["response"]["signature"] = other["response"]["signature"].clone();
    let result = site().finish_login(&begun.state, &used.to_string(), &known);
    assert_refused(result, "Authentication has failed");
}

#[test]
fn what_is_signed_cannot_be_changed() {
    let (mut phone, known) = phone();
    let known = [known];
    phone.verifies_user = false;
    let begun = site().begin_login().unwrap();
    let used = phone.get(&begun.options).unwrap();
    phone.verifies_user = true;
    let verified = phone.get(&begun.options).unwrap();
    let (mut other, _) = self::phone();
    let of_other = other.get(&begun.options).unwrap();
    let forge = |field: &str, from: &Value| {
        let mut forged = used.clone();
        forged["response"][field] = from["response"][field].clone();
        site().finish_login(&begun.state, &forged.to_string(), &known)
    };
    let words = "Authentication has failed";
    assert_refused(forge("authenticatorData", &verified), words);

    let mut forged = verified.clone();
    forged["response"]["signature"] = of_other["response"]["signature"].clone();
    let finish = |used: &Value| site().finish_login(&begun.state, &used.to_string(), &known);
    assert_refused(finish(&forged), words);
    let mut spaced = verified.clone();
    let client_data = text_of(&verified["response"]["clientDataJSON"]);
    spaced["response"]["clientDataJSON"] = encoded(format!("{client_data} "));
    assert_refused(finish(&spaced), words);
    finish(&verified).unwrap();
}

#[test]
fn that_a_user_was_not_verified_is_told_of_a_right_signature_alone() {
    let (mut phone, known) = phone();
    let known = [known];
    phone.verifies_user = false;
    assert_eq!(log_in(&mut phone, &known).unwrap_err(), NotVerified);
    let begun = site().begin_login().unwrap();
    let mut used = phone.get(&begun.options).unwrap();
    let (mut other, _) = self::phone();
    let of_other = other.get(&begun.options).unwrap();
    used["response"]["signature"] = of_other["response"]["signature"].clone();
    let result = site().finish_login(&begun.state, &used.to_string(), &known);
    assert_refused(result, "Authentication has failed");
}

#[test]
fn a_passkey_that_is_not_known_is_refused() {
    let (mut phone, _) = phone();
    let (_, other) = self::phone();
    assert_eq!(log_in(&mut phone, &[]).unwrap_err(), Unknown);
    assert_eq!(log_in(&mut phone, &[other]).unwrap_err(), Unknown);
}

#[test]
fn the_passkey_of_another_user_does_not_pass_for_mine() {
    let (mut phone, known) = phone();
    let (mut other, of_other) = self::phone();
    let begun = site().begin_login().unwrap();
    let mut used = other.get(&begun.options).unwrap();
    let finish = |used: &Value| {
        site().finish_login(
            &begun.state,
            &used.to_string(),
            std::slice::from_ref(&known),
        )
    };
    assert_eq!(finish(&used).unwrap_err(), Unknown);
    let mine = phone.get(&begun.options).unwrap();
    for name in ["id", "rawId"] {
        used[name] = mine[name].clone();
    }
    assert_refused(finish(&used), "Authentication has failed");
    assert_ne!(known, of_other);
}

/// By which the user's rule refuses it.
#[test]
fn a_passkey_that_is_shown_as_new_again_has_its_id() {
    let (phone, known) = phone();
    let again = begin_adding(std::slice::from_ref(&known));
    // As if the browser did not look at what is excluded.
    let made = phone.create_again(&again.options).unwrap();
    let added = site().finish_adding(&again.state, &made.to_string());
    assert_eq!(added.unwrap().id(), known.id());
}
