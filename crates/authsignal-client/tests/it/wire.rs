//! What is sent, and what good answers become.
mod actions;
mod authenticators;
mod calls;
mod challenges;
mod devices;
mod sessions;
mod users;

use authsignal_client::{ActionCode, Client};
use authsignal_client::{EnrollVerified, ErrorKind, QueryActions, QueryUsers, Track, UpdateUser, VerificationMethod};

use crate::calls::Call;
use crate::support::{KEY, Reply, Request, Server};

/// A server with this answer for everything.
async fn answering(body: &str) -> Server {
    Server::replying(Reply::json(200, body)).await
}

fn good(_: usize, request: &Request) -> Reply {
    Reply::good(request)
}

#[tokio::test]
async fn headers() {
    let server = Server::start(good).await;
    let api = server.api();
    for call in Call::ALL {
        call.make(&api).await.unwrap();
    }
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Basic bXktc2VjcmV0Og=="), "{}", request.line);
        assert_eq!(request.header("accept"), Some("application/json"));
        assert_eq!(request.header("user-agent"), Some(concat!("authsignal-client/", env!("CARGO_PKG_VERSION"))));
        assert_eq!(request.header("x-authsignal-version"), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(request.header("host"), Some(server.host().as_str()));
        let with_body = !request.body.is_empty();
        assert_eq!(request.header("content-type"), with_body.then_some("application/json"), "{}", request.line);
        assert_eq!(request.header("accept-encoding"), None, "what is not asked for is not unpacked");
        let asks = request.line.starts_with("GET ") || request.line.starts_with("DELETE ");
        let says_nothing = asks || request.line.contains("/invalidate ");
        assert_eq!(with_body, !says_nothing, "{}", request.line);
    }
}

/// Every call sends one request, and all that the documentation lists are sent.
#[tokio::test]
async fn paths() {
    let server = Server::start(good).await;
    let api = server.api();
    let mut targets = Vec::new();
    for call in Call::ALL {
        let before = server.requests().len();
        call.make(&api).await.unwrap();
        let requests = server.requests().split_off(before);
        let sent: Vec<_> = requests.iter().map(Request::target).collect();
        assert_eq!(sent, [call.target()]);
        targets.push(call.target());
    }
    let documented: Vec<_> = include_str!("../../docs/endpoints.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | `")?.1.split_once("` | [`").map(|(row, _)| row))
        .filter(|row| row.contains(" /"))
        .collect();
    assert_eq!(documented.len(), 26 + 2, "{documented:?}");
    let sends = |row: &str| targets.iter().any(|target| matches(row, target));
    for row in &documented {
        assert!(sends(row), "nothing sends {row}");
    }
    for target in &targets {
        assert!(documented.iter().any(|row| matches(row, target)), "{target} is not documented");
    }
}

/// Whether a target is of a documented endpoint: `PATCH /users/{userId}`.
fn matches(row: &str, target: &str) -> bool {
    let target = target.split('?').next().unwrap_or_default().replacen(" /v1/", " /", 1);
    let (row, target): (Vec<_>, Vec<_>) = (row.split('/').collect(), target.split('/').collect());
    row.len() == target.len() && row.iter().zip(&target).all(|(row, part)| row.starts_with('{') || row == part)
}

#[tokio::test]
async fn ids_are_segments() {
    let server = Server::start(|_, _| Reply::json(404, "")).await;
    let client = server.client();
    let id = "auth0|a/b?c#d%e ü+";
    client.track(id, ActionCode::new("sign-in").unwrap()).await.unwrap_err();
    client.delete_authenticator(id, id).await.unwrap_err();
    client.update_device(id, id, None).await.unwrap_err();
    client.invalidate_device(id, id).await.unwrap_err();
    client.update_action(id, "pay", id, authsignal_client::ActionState::Block).await.unwrap_err();
    let id = "auth0%7Ca%2Fb%3Fc%23d%25e%20%C3%BC%2B";
    let expected = [
        format!("POST /v1/users/{id}/actions/sign-in"),
        format!("DELETE /v1/users/{id}/authenticators/{id}"),
        format!("PATCH /v1/users/{id}/devices/{id}"),
        format!("POST /v1/users/{id}/devices/{id}/invalidate"),
        format!("PATCH /v1/users/{id}/actions/pay/{id}"),
    ];
    let requests = server.requests();
    assert_eq!(requests.iter().map(Request::target).collect::<Vec<_>>(), expected);
}

/// T70: what is no id is refused before anything is sent.
#[tokio::test]
async fn ids_that_are_none_are_not_sent() {
    use authsignal_client::{ActionState, Challenge, Claim, GetChallenge, VerifiedCredential};

    let server = Server::start(good).await;
    let client = server.client();
    for user in ["", ".", "..", "a\tb", "a\nb", &"x".repeat(1025)] {
        let credential = VerifiedCredential::new(user, "q83v", "pQEC");
        let errors = [
            client.track(user, "pay").await.map(drop),
            client.get_user(user).await.map(drop),
            client.update_user(user, UpdateUser::new()).await.map(drop),
            client.delete_user(user).await.map(drop),
            client.get_action(user, "pay", KEY).await.map(drop),
            client.query_user_actions(user, "pay").await.map(drop),
            client.update_action(user, "pay", KEY, ActionState::Allow).await.map(drop),
            client.get_authenticators(user).await.map(drop),
            client.enroll_verified_authenticator(user, EnrollVerified::new(VerificationMethod::Sms)).await.map(drop),
            client.batch_enroll_verified_authenticators([credential]).await.map(drop),
            client.delete_authenticator(user, "a").await.map(drop),
            client.challenge(Challenge::email_otp("pay", "ada@example.com").user_id(user)).await.map(drop),
            client.claim_challenge(Claim::new("c", user)).await.map(drop),
            client.get_challenge(GetChallenge::by_user(user)).await.map(drop),
            client.revoke_user_sessions(user).await.map(drop),
            client.get_devices(user).await.map(drop),
            client.update_device(user, "d", None).await.map(drop),
            client.invalidate_device(user, "d").await.map(drop),
        ];
        for (at, error) in errors.into_iter().enumerate() {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput, "{user:?}, {at}");
        }
    }
    for action in ["", "..", "a b", "a/b", "a,b", "pay/../../x"] {
        let errors = [
            client.track("u", action).await.map(drop),
            client.get_action("u", action, "k").await.map(drop),
            client.update_action("u", action, "k", ActionState::Allow).await.map(drop),
            client.query_user_actions("u", QueryActions::new().codes(["pay", action])).await.map(drop),
            client.challenge(Challenge::sms(action, "+64270000000")).await.map(drop),
            client.get_challenge(GetChallenge::by_user("u").action(action)).await.map(drop),
        ];
        for (at, error) in errors.into_iter().enumerate() {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput, "{action:?}, {at}");
        }
    }
    for key in ["", ".", "..", "\0", &"x".repeat(129)] {
        let errors = [
            client.get_action("u", "a", key).await.map(drop),
            client.update_action("u", "a", key, ActionState::Allow).await.map(drop),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput, "{key:?}");
        }
    }
    for id in ["", ".", ".."] {
        let errors = [
            client.delete_authenticator("u", id).await.map(drop),
            client.update_device("u", id, None).await.map(drop),
            client.invalidate_device("u", id).await.map(drop),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput, "{id:?}");
        }
    }
    assert_eq!(client.get_challenge("").await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn connections_are_kept() {
    let server = Server::start(good).await;
    let client = server.client();
    for _ in 0..5 {
        client.clone().get_user("user-1").await.unwrap();
        client.clone().delete_user("user-1").await.unwrap();
        client.clone().revoke_user_sessions("user-1").await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (15, 1));
}

#[tokio::test]
async fn http2_is_a_choice_that_plain_http_does_without() {
    let server = Server::start(good).await;
    server.builder().http2().build().unwrap().get_user("user-1").await.unwrap();
    assert!(server.requests()[0].line.ends_with("HTTP/1.1"));
}

/// Calls can be spawned: their futures are `Send`, whatever the arguments.
#[test]
fn futures_are_send() {
    fn send<T: Send>(_: T) {}
    fn keep<T: Send + 'static>(_: T) {}
    let client = Client::builder("s").build().unwrap();
    send(client.track(String::new(), Track::new("a")));
    send(client.get_action("u", "a", "k"));
    send(client.validate_challenge("t"));
    send(client.get_user(&String::new()));
    send(client.enroll_verified_authenticator("u", EnrollVerified::new(VerificationMethod::Sms)));
    send(client.query_user_actions("u", "a"));
    send(client.query_users(QueryUsers::new()));
    send(client.batch_enroll_verified_authenticators(Vec::new()));
    send(client.revoke_session("t"));
    keep(client.users_stream(QueryUsers::new()));
    let url = Client::builder("s").build().unwrap().users_stream(QueryUsers::new());
    keep(url);
}
