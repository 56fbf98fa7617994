//! Magic links.
use reqwest::Client;
use serde_json::{Value, json};

use super::error;
use crate::support::{Bench, bench, text};

fn link(bench: &Bench) -> String {
    bench.emulator.messages()[0].link.clone().unwrap()
}

async fn finalize(bench: &Bench, token: &str) -> Value {
    bench.asked(token, "/verify/email-magic-link/finalize", json!({})).await
}

#[tokio::test]
async fn a_link_is_opened_elsewhere_and_proves_here() {
    let bench = bench().await;
    let token = bench.token().await;
    let body = json!({ "email": "ada@example.com" });
    let begun = bench.asked(&token, "/user-authenticators/email-magic-link", body).await;
    let (challenge, id) = (text(&begun["challengeId"]), text(&begun["userAuthenticatorId"]));
    assert_eq!(begun, json!({ "challengeId": challenge, "userAuthenticatorId": id, "userId": "ada" }));
    assert_eq!(bench.emulator.messages()[0].challenge_id, challenge);
    assert_eq!(finalize(&bench, &token).await, json!({ "isVerified": false }));

    // Another browser: it has no token, and learns none.
    let elsewhere = Client::builder().no_proxy().build().unwrap();
    let opened = elsewhere.get(link(&bench)).send().await.unwrap();
    assert_eq!(opened.status(), 200);
    assert_eq!(opened.headers()["cache-control"], "no-store");
    assert_eq!(opened.headers()["referrer-policy"], "no-referrer");
    assert!(!opened.headers().contains_key("set-cookie"));
    let page = opened.text().await.unwrap();
    assert!(page.contains("you may close this window") && !page.contains("eyJ"), "{page}");
    assert_eq!(bench.state(), "ALLOW", "opening proves nothing by itself");

    let verified = finalize(&bench, &token).await;
    assert_eq!(verified["userAuthenticator"]["email"], "ada@example.com");
    bench.expect_proved(&verified, "EMAIL_MAGIC_LINK").await;
    assert_eq!(finalize(&bench, &token).await, json!({ "isVerified": false }), "once");
}

#[tokio::test]
async fn whose_link_it_is() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_magic_link("ada@example.com");
    let (one, two) = (bench.token().await, bench.token().await);
    let sent = bench.asked(&one, "/challenge/email-magic-link", json!({})).await;
    assert_eq!(sent, json!({ "challengeId": bench.emulator.messages()[0].challenge_id }));
    let first = link(&bench);
    bench.asked(&one, "/challenge/email-magic-link", json!({})).await;
    let open = async |url: &str| bench.http.get(url).send().await.unwrap().status().as_u16();
    let newest = link(&bench);
    assert_eq!(open(&first).await, 401, "there is a newer one");
    let (head, _) = newest.rsplit_once('.').unwrap();
    for odd in [head.to_owned(), format!("{head}."), format!("{head}.0"), format!("{}x", newest)] {
        assert_eq!(open(&odd).await, 401, "{odd}");
    }
    assert_eq!(finalize(&bench, &one).await["isVerified"], false, "none of it opened anything");
    assert_eq!(open(&newest).await, 200);
    assert_eq!(finalize(&bench, &two).await["isVerified"], false, "of another attempt");
    assert_eq!(finalize(&bench, &one).await["isVerified"], true);
    assert_eq!(open(&newest).await, 401, "used up");
}

#[tokio::test]
async fn a_link_expires() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_magic_link("ada@example.com");
    let key = json!({ "idempotencyKey": "k" });
    let token = bench.token_with(key.clone()).await;
    bench.asked(&token, "/challenge/email-magic-link", json!({})).await;
    let link = link(&bench);
    assert_eq!(bench.http.get(&link).send().await.unwrap().status(), 200);
    bench.advance(600);
    assert_eq!(bench.http.get(&link).send().await.unwrap().status(), 401);
    let token = bench.token_with(key).await;
    assert_eq!(finalize(&bench, &token).await, json!({ "isVerified": false }), "opened in time, asked too late");
}

#[tokio::test]
async fn an_address_from_track_and_one_that_is_none() {
    let bench = bench().await;
    let token = bench.token_with(json!({ "email": "ada@example.com" })).await;
    bench.asked(&token, "/challenge/email-magic-link", json!({})).await;
    bench.http.get(link(&bench)).send().await.unwrap();
    assert_eq!(finalize(&bench, &token).await["userAuthenticator"]["email"], "ada@example.com");
    let scoped = bench.token_with(json!({ "scope": "add:authenticators" })).await;
    for body in [json!({}), json!({ "email": "ada" }), json!({ "email": 7 })] {
        let answer = bench.ask(&scoped, "/user-authenticators/email-magic-link", body).await;
        assert_eq!(error(&answer), (400, "invalid_request"));
    }
}

/// It is opened in whichever browser the mail is read in, and speaks that one's language.
#[tokio::test]
async fn the_page_of_a_link_speaks_the_languages_of_the_challenge_page() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_magic_link("ada@example.com");
    let token = bench.token().await;
    bench.asked(&token, "/challenge/email-magic-link", json!({})).await;
    let good = link(&bench);
    let void = format!("{good}x");
    for (accepted, opened, refused) in [
        ("en", "Confirmed", "This link can’t be used"),
        ("de-CH,de;q=0.9", "Bestätigt", "Dieser Link geht nicht"),
        ("fr", "Confirmé", "Ce lien ne fonctionne pas"),
        ("es-MX", "Confirmado", "Este enlace no sirve"),
    ] {
        for (url, status, heading) in [(&good, 200, opened), (&void, 401, refused)] {
            let answer = bench.http.get(url).header("accept-language", accepted).send().await.unwrap();
            assert_eq!(answer.status(), status, "{accepted}");
            assert!(answer.headers().contains_key("content-security-policy"), "{accepted}");
            let page = answer.text().await.unwrap();
            assert!(page.contains(&format!("<h1>{heading}</h1>")), "{accepted}: {page}");
            assert!(page.contains(&format!("<html lang=\"{}\">", &accepted[..2])), "{accepted}");
        }
    }
}
