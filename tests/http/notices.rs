//! Notices: each on its own page, and none that a link has made up.

use fpm_registry::{forms::FORMS, server::PAGES};

use crate::{
    Keys,
    common::{Answer, Kept, Kind, Registry},
    form_token,
};

contract! {
    made_up_errors_and_notices_show_nothing
    notices_stay_on_their_own_page
}

async fn made_up_errors_and_notices_show_nothing(registry: Registry) {
    let keys = Keys::of(&registry).await;
    // {"message":"Call 555-0100 now","code":401}, as Leptos itself would put it into an address.
    let error = "eyJtZXNzYWdlIjoiQ2FsbCA1NTUtMDEwMCBub3ciLCJjb2RlIjo0MDF9";
    for query in [
        format!("?__path=/auth/login&__err={error}"),
        format!("?__err={error}"),
        "?notice=Call+555-0100+now".to_owned(),
    ] {
        for path in PAGES.iter().map(|page| page.path) {
            let visitor = keys.visitor(&registry, Kind::Browser, path);
            let page = visitor.get(&format!("{path}{query}")).await;
            assert_eq!(page.status, 200);
            assert!(!page.body.contains("555-0100"), "{}", page.body);
        }
    }
}

async fn notices_stay_on_their_own_page(registry: Registry) {
    let keys = Keys::of(&registry).await;
    for path in PAGES.iter().map(|page| page.path) {
        let visitor = || keys.visitor(&registry, Kind::Browser, path);
        let plain = visitor().get(path).await;
        let declared = FORMS.iter().filter_map(|form| {
            let notice = form.done.notice?;
            Some((notice.word, form.done.page))
        });
        let declared: Vec<_> = declared.chain([("link-died", "")]).collect();
        for (notice, _) in &declared {
            let is_home = declared.contains(&(*notice, path));
            let told = visitor();
            let told = told.get(&format!("{path}?notice={notice}")).await;
            let bare = |page: &Answer| {
                let page_token = form_token(&page.body);
                let body = page.body.replace(page.nonce(), "");
                if page_token.is_empty() {
                    body
                } else {
                    body.replace(&page_token, "")
                }
            };
            assert_eq!(bare(&told) != bare(&plain), is_home, "{path} {notice}");
        }
    }
}
