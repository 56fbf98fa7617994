//! In which language the page speaks.
use reqwest::Method;
use serde_json::json;

use crate::support::{BACK, Bench, bench, text};

async fn html(bench: &Bench, url: &str, accepted: &str) -> String {
    bench.http.get(url).header("accept-language", accepted).send().await.unwrap().text().await.unwrap()
}

async fn tracked(bench: &Bench, locale: Option<&str>) -> String {
    text(&bench.track_with(json!({ "redirectUrl": BACK, "locale": locale })).await["url"]).to_owned()
}

#[tokio::test]
async fn track_decides_then_the_user_then_the_browser() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let url = tracked(&bench, None).await;
    for (accepted, lang, part) in [
        ("de-CH,de;q=0.9,en;q=0.8", "de", "Wir haben einen 6-stelligen Code an <strong>a•••@example.com</strong>"),
        ("fr", "fr", "Nous avons envoyé un code à 6 chiffres"),
        ("es-MX", "es", "Hemos enviado un código de 6 dígitos"),
        ("ja", "en", "We sent a 6-digit code"),
        ("", "en", "We sent a 6-digit code"),
    ] {
        let html = html(&bench, &url, accepted).await;
        assert!(html.contains(&format!("<html lang=\"{lang}\">")) && html.contains(part), "{accepted}");
    }
    let url = tracked(&bench, Some("fr-FR")).await;
    assert!(html(&bench, &url, "de").await.contains("<html lang=\"fr\">"));

    bench.api(Method::PATCH, "/users/ada").json(&json!({ "locale": "es" })).send().await.unwrap();
    let url = tracked(&bench, None).await;
    assert!(html(&bench, &url, "de").await.contains("<html lang=\"es\">"));
    let url = tracked(&bench, Some("de")).await;
    assert!(html(&bench, &url, "fr").await.contains("<html lang=\"de\">"));
}

#[tokio::test]
async fn mistakes_and_dead_ends_are_told_in_it_too() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = bench.track_with(json!({ "redirectUrl": BACK, "locale": "de", "custom": { "new": true } })).await;
    let (url, token) = (text(&tracked["url"]), text(&tracked["token"]));
    assert!(bench.open(url, "").await.1.contains("<dd>Ja</dd>"));
    let wrong = bench.submit(token, &[("step", "verify"), ("view", "EMAIL_OTP"), ("code", "nope")]).await;
    assert!(wrong.text().await.unwrap().contains("Dieser Code ist falsch oder abgelaufen."));
    bench.advance(600);
    assert!(html(&bench, url, "de").await.contains("Der Link ist abgelaufen"));
    let bad = format!("{}/?token=x", bench.emulator.origin());
    assert!(html(&bench, &bad, "es").await.contains("El enlace no es válido"));
    let bad = format!("{}/?token=a&token=b", bench.emulator.origin());
    assert!(html(&bench, &bad, "fr").await.contains("Le lien n’est pas valide"));
}
