//! `/account/totp`: the secret of an authenticator app that is being added.

use leptos::prelude::*;
use qrcode::{QrCode, render::svg};

use super::{
    Page,
    endpoint::{Content, Endpoint, REDIRECT},
    frame::Frame,
    parts::navigation,
    request::{Detour, PageRequest},
    security::SecurityPage,
};
use crate::{
    accounts::{recovery_code::in_groups, totp::TotpSecret},
    forms::{
        answers::{LOGGED_OUT, OF_THE_STORE},
        second_factors::{begin_totp, confirm_totp},
    },
};

/// How large a QR code is drawn at least, in pixels.
const QR_PIXELS: u32 = 220;

/// The page with the secret.
pub struct TotpPage {
    /// The secret and the address that apps read. None if there is none any more, which the refused form tells.
    pending: Option<(TotpSecret, String)>,
}

impl Page for TotpPage {
    const PATH: &'static str = "/account/totp";
    const ENDPOINT: Endpoint = Endpoint {
        refusals: &[LOGGED_OUT, OF_THE_STORE],
        ..Endpoint::new(
            "The authenticator app that the user is adding",
            &[(200, Content::Page), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let (user, session) = request.account(Self::PATH).await?;
        let (accounts, caller) = (&request.service.accounts, request.caller());
        let pending = accounts.pending_totp(&caller, &user, &session);
        if pending.is_some() || request.refused.is_some() {
            return Ok(Self { pending });
        }
        Err(Detour::Redirect(SecurityPage::PATH.to_owned()))
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let rest = match self.pending {
            Some((secret, uri)) => confirmation(&secret, uri, frame).into_any(),
            None => begin_again(frame).into_any(),
        };
        view! {
            {frame.heading("Add an authenticator app")}
            {navigation(SecurityPage::PATH, frame)}
            {rest}
            <nav class="links">
                <a href=SecurityPage::PATH>"Not now"</a>
            </nav>
        }
    }
}

fn confirmation(secret: &TotpSecret, uri: String, frame: &Frame) -> impl IntoView + use<> {
    let groups = in_groups(&secret.base32(), " ");
    view! {
        <p class="lead">
            "Scan this with the app on your phone, then enter the code that it shows."
        </p>
        {qr_code(&uri)}
        <p>
            "On this phone, " <a href=uri>"open it in the app"</a>
            ", or type the secret there:"
        </p>
        <p>
            <code class="text">{groups}</code>
        </p>
        {frame.main_form(&confirm_totp::FORM, Vec::new())}
        <p class="hint">"There are 10 minutes for it. Nothing changes before you confirm."</p>
    }
}

/// Says why there is nothing to confirm.
fn begin_again(frame: &Frame) -> impl IntoView + use<> {
    let refused = frame.refused();
    let sentence = refused.map(|refused| refused.refusal.message.clone());
    view! {
        <p class="form-error" role="alert">{sentence}</p>
        {frame.button_form(&begin_totp::FORM, Vec::new())}
    }
}

/// The QR code of a text. None if it is too long for one: then there is the secret to type.
fn qr_code(text: &str) -> Option<impl IntoView + use<>> {
    let code = QrCode::new(text).ok()?;
    let mut drawing = code.render::<svg::Color<'_>>();
    let svg = drawing.min_dimensions(QR_PIXELS, QR_PIXELS).build();
    // Only files begin with a declaration of XML.
    let svg = svg.find("<svg").map(|start| svg[start..].to_owned())?;
    Some(view! {
        <div class="qr" role="img" aria-label="QR code with the secret" inner_html=svg></div>
    })
}
