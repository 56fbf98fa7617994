//! The browser's console stays clean: on every scene of the challenge page, in each of the ways in which it is shown.
use authsignal_client::Track;
use authsignal_emulator::Outcome;
use fantoccini::Locator;
use serde_json::json;

use super::shop::Shop;

/// How the page is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shown {
    Redirect,
    /// In a frame, by another site's name (127.0.0.1) or by that of the shop's own (localhost, another port).
    Frame,
    Window,
}

/// Somebody who has everything.
async fn well_known(shop: &Shop) {
    let ada = shop.emulator.user("ada");
    ada.enroll_email_otp("ada@example.com").enroll_sms("+64270000000").enroll_push("Ada’s phone");
    ada.enroll_authenticator_app();
}

/// The URL of a page, by what its user is there for.
async fn challenge(shop: &Shop, user: &str, action: &str, settings: bool) -> String {
    let request = Track::new(action).redirect_url(format!("{}/back", shop.site));
    let request = if settings { request.redirect_to_settings(true) } else { request };
    shop.emulator.client().track(user, request).await.unwrap().url.unwrap().secret().to_owned()
}

async fn look(shop: &Shop, url: &str, shown: Shown) {
    let visitor = &shop.visitor;
    let heading = Locator::Css("main h1");
    match shown {
        Shown::Redirect => {
            visitor.browser.goto(url).await.unwrap();
            visitor.waits_for(heading).await;
        }
        Shown::Frame => {
            visitor.open("/").await;
            let frame = "const frame = document.createElement('iframe'); frame.id = 'challenge';
                frame.style.height = '600px'; frame.src = args; document.body.append(frame);
                await new Promise(done => { frame.onload = done; })";
            shop.js(frame, json!(url)).await;
            visitor.enters("#challenge").await;
            visitor.waits_for(heading).await;
            let field = "document.querySelector('[data-focus]')";
            // Where one types.
            visitor.waits_until(&format!("!{field} || {field} === document.activeElement")).await;
            visitor.leaves_frames().await;
        }
        Shown::Window => {
            visitor.open("/").await;
            let tab = visitor.tab().await;
            shop.js("window.open(args, '_blank', 'width=400,height=600')", json!(url)).await;
            visitor.goes_to_the_window_beside(&tab).await;
            visitor.waits_for(heading).await;
            visitor.browser.close_window().await.unwrap();
            visitor.goes_to(&tab).await;
        }
    }
}

#[tokio::test]
async fn every_scene_in_every_mode_leaves_it_clean() {
    let shop = Shop::open().await;
    well_known(&shop).await;
    shop.emulator.set_outcome("blocked", Outcome::Block);
    let mut looks = 0;
    for shown in [Shown::Redirect, Shown::Frame, Shown::Window] {
        for localhost in [false, true] {
            let mut urls = Vec::new();
            let ask = challenge(&shop, "ada", "withdrawal", false).await;
            for view in ["", "EMAIL_OTP", "SMS", "WHATSAPP", "AUTHENTICATOR_APP", "PUSH", "RECOVERY_CODE", "methods"] {
                urls.push(format!("{ask}&view={view}"));
            }
            let enrol = challenge(&shop, "eve", "withdrawal", false).await;
            for view in [
                "",
                "EMAIL_OTP",
                "EMAIL_MAGIC_LINK",
                "SMS",
                "WHATSAPP",
                "AUTHENTICATOR_APP",
                "PASSKEY",
                "SECURITY_KEY",
                "PUSH",
                "QR_CODE",
            ] {
                urls.push(format!("{enrol}&view={view}"));
            }
            urls.push(challenge(&shop, "ada", "blocked", false).await);
            urls.push(challenge(&shop, "ada", "withdrawal", true).await);
            urls.push(format!("{}/?token=x", shop.emulator.origin()));
            for url in urls {
                let url = if localhost { url.replace("127.0.0.1", "localhost") } else { url };
                let url = if shown == Shown::Redirect { url } else { format!("{url}&mode=popup") };
                look(&shop, &url, shown).await;
                let (place, told) = (url.split_once("&view").map_or("", |view| view.1), shop.visitor.console());
                let told: Vec<_> =
                    told.into_iter().filter(|line| !line.contains("responded with a status of 401")).collect();
                assert_eq!(told, [""; 0], "{shown:?} {place} {localhost}");
                looks += 1;
            }
        }
    }
    println!("{looks} looks at the console");
    shop.visitor.leaves().await;
}
