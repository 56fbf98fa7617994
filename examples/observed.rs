//! What a reader sees of one challenged request: `cargo run --example observed` prints its trace, its explanation
//! and its metrics, as `docs/observability.md` shows them.
use std::error::Error;

use authsignal_emulator::Emulator;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, header};
use axum::routing::post;
use axum_authsignal::{Authsignal, AuthsignalLayer, IpSource, User};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tower::ServiceExt as _;
use tracing_subscriber::EnvFilter;

const ORIGIN: &str = "http://localhost:3000";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let metrics = PrometheusBuilder::new().set_buckets_for_metric(seconds, &[0.01, 0.1, 1.0])?.install_recorder()?;
    let emulator = Emulator::start().await?;
    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(format!("{ORIGIN}/authsignal/callback"))
        .with_insecure_cookies()
        .keep_explanations(100)
        .ip_source(IpSource::None)
        .identify(|headers: HeaderMap| async move { Some(User::new(headers.get("x-user")?.to_str().ok()?)) })
        .build()?;
    let pay = post(async || "paid").route_layer(AuthsignalLayer::new(&authsignal, "withdrawal"));
    let app = Router::new().route("/accounts/{id}/withdraw", pay).merge(authsignal.routes());
    emulator.set_outcome("withdrawal", authsignal_emulator::Outcome::Challenge);
    emulator.user("ada").enroll_email_otp("ada@example.com");

    let filter = EnvFilter::new("axum_authsignal=debug,axum_authsignal::explain=off");
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).without_time().with_target(false).init();
    let send = async |request: Request<Body>| app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    let withdraw = |cookie: &str| {
        let request = Request::post("/accounts/7/withdraw").header("host", "localhost:3000").header("x-user", "ada");
        request.header(header::COOKIE, cookie).body(Body::empty())
    };

    // Ada withdraws, and is asked for a proof.
    let challenged = send(withdraw("")?).await;
    let cookie = challenged.headers()[header::SET_COOKIE].to_str()?.split(';').next().unwrap_or_default().to_owned();
    let problem = problem(challenged).await?;
    // She proves it, and comes back.
    let back = emulator.succeed(problem["url"].as_str().ok_or("no address")?)?;
    let back = Request::get(back.strip_prefix(ORIGIN).ok_or("another origin")?).header("host", "localhost:3000");
    send(back.header("x-user", "ada").header(header::COOKIE, &cookie).body(Body::empty())?).await;
    // And the withdrawal passes.
    send(withdraw(&cookie)?).await;

    #[allow(clippy::print_stdout, reason = "it is what it is for")]
    {
        println!();
        for explanation in authsignal.explain(problem["decisionId"].as_str().ok_or("no id")?) {
            println!("{explanation}");
        }
        println!();
        let text = metrics.render();
        let mut lines: Vec<_> = text.lines().filter(|line| !line.is_empty() && !line.starts_with("# HELP")).collect();
        lines.dedup();
        println!("{}", lines.join("\n"));
    }
    Ok(())
}

async fn problem(response: Response<Body>) -> Result<serde_json::Value, Box<dyn Error>> {
    Ok(serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await?)?)
}
