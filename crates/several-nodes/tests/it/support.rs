//! Nodes, and users who pay at them.
use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use authsignal_emulator::{Emulator, Outcome};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, StatusCode};
use test_support::waiting::{MAX_WAIT, first_line};
use url::Url;

/// How long something may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// By which secrets a node seals and opens.
#[derive(Clone, Copy)]
pub(crate) struct Secrets(pub(crate) &'static str, pub(crate) &'static str);

pub(crate) const SAME: Secrets = Secrets("the secret of all nodes, 32 bytes", "");

/// A process, which ends with the test.
pub(crate) struct Node {
    child: Child,
    url: String,
    http: Client,
}

impl Node {
    fn start(emulator: &Emulator, store: &str, Secrets(current, older): Secrets) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_several-nodes"));
        command.env("AUTHSIGNAL_API_URL", emulator.base_url()).env("AUTHSIGNAL_API_SECRET_KEY", emulator.secret());
        command
            .env("STORE", store)
            .env("SECRET", current)
            .env("OLDER_SECRETS", older)
            .env_remove("AUTHSIGNAL_SECRET_KEY");
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "off");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (line, _) = first_line(&mut child);
        let url = line.trim().strip_prefix("A node is open: ").expect("the node starts").to_owned();
        let http =
            Client::builder().no_proxy().timeout(MAX_WAIT).redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { child, url, http }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nodes that share a store, and their Authsignal.
pub(crate) struct Nodes {
    pub(crate) emulator: Emulator,
    pub(crate) nodes: Vec<Node>,
}

/// A payment of a user's, and the browser that it is made in.
#[derive(Clone)]
pub(crate) struct Payment {
    pub(crate) id: u32,
    pub(crate) user: String,
    cookies: HashMap<String, String>,
    pub(crate) challenge: String,
}

/// What came of a request to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Paid,
    /// A proof is asked for.
    Challenged,
    /// It was paid, or is about to be.
    Already,
    TooMany,
    Unavailable,
}

impl Nodes {
    pub(crate) async fn start(store: &str, secrets: &[Secrets]) -> Self {
        let emulator = Emulator::start().await.unwrap();
        emulator.set_outcome("pay", Outcome::Challenge);
        let nodes = secrets.iter().map(|secrets| Node::start(&emulator, store, *secrets)).collect();
        Self { emulator, nodes }
    }

    pub(crate) fn enroll(&self, user: &str) {
        if !self.emulator.user(user).is_enrolled() {
            self.emulator.user(user).enroll_email_otp(format!("{user}@example.com"));
        }
    }

    /// Asks to pay something, at this node, and is challenged.
    pub(crate) async fn begin(&self, id: u32, user: &str, node: usize) -> Payment {
        self.enroll(user);
        let mut payment = Payment { id, user: user.to_owned(), cookies: HashMap::new(), challenge: String::new() };
        let start = Instant::now();
        let response = loop {
            match self.send(&payment, node).await {
                (Answer::Challenged, response) => break response,
                // A store may be slow on a machine that has much else to do.
                (Answer::Unavailable, _) if start.elapsed() < PATIENCE => {}
                (answer, _) => panic!("payment {id}: {answer:?}"),
            }
        };
        payment.keep_cookies(&response);
        payment.challenge = response.headers()[LOCATION].to_str().unwrap().to_owned();
        payment
    }

    /// Asks to pay something without being sure of a challenge.
    pub(crate) async fn try_to_begin(&self, id: u32, user: &str, node: usize) -> Answer {
        self.enroll(user);
        let payment = Payment { id, user: user.to_owned(), cookies: HashMap::new(), challenge: String::new() };
        self.pay(&payment, node).await
    }

    /// Proves it at Authsignal, and comes back to this node.
    pub(crate) async fn prove(&self, payment: &mut Payment, node: usize) {
        let back: Url = self.emulator.succeed(&payment.challenge).unwrap().parse().unwrap();
        let start = Instant::now();
        loop {
            let response = self.call_back(payment, &back, node).await;
            payment.keep_cookies(&response);
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "payment {}", payment.id);
            // The page that it leads to says what came of it, where that was not an approval.
            if !response.headers()[LOCATION].to_str().unwrap().contains("outcome=") {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "payment {}: not approved", payment.id);
        }
    }

    /// Brings a browser back from its challenge.
    pub(crate) async fn call_back(&self, payment: &Payment, back: &Url, node: usize) -> Response {
        let node = &self.nodes[node];
        let url = format!("{}{}?{}", node.url, back.path(), back.query().unwrap_or_default());
        let request = node.http.get(url).header("x-user", &payment.user).header("accept", "text/html");
        request.header(COOKIE, payment.cookies()).send().await.unwrap()
    }

    pub(crate) async fn pay(&self, payment: &Payment, node: usize) -> Answer {
        self.send(payment, node).await.0
    }

    async fn send(&self, payment: &Payment, node: usize) -> (Answer, Response) {
        let node = &self.nodes[node];
        let request =
            node.http.post(format!("{}/pay", node.url)).form(&[("id", payment.id)]).header("x-user", &payment.user);
        let response = request.header("accept", "text/html").header(COOKIE, payment.cookies()).send().await.unwrap();
        let answer = match response.status() {
            StatusCode::OK => Answer::Paid,
            StatusCode::SEE_OTHER => Answer::Challenged,
            StatusCode::CONFLICT => Answer::Already,
            StatusCode::TOO_MANY_REQUESTS => Answer::TooMany,
            StatusCode::SERVICE_UNAVAILABLE => Answer::Unavailable,
            other => panic!("payment {}: {other}", payment.id),
        };
        (answer, response)
    }

    /// Sends something to a node as a browser does, with these header fields: to an address without a body, or a form.
    pub(crate) async fn ask(
        &self,
        node: usize,
        target: &str,
        headers: &[(&str, &str)],
        form: Option<&str>,
    ) -> Response {
        let node = &self.nodes[node];
        let url = format!("{}{target}", node.url);
        let mut request = match form {
            None => node.http.get(url),
            Some(form) => {
                let kind = "application/x-www-form-urlencoded";
                node.http.post(url).header("content-type", kind).body(form.to_owned())
            }
        };
        for (name, value) in [("accept", "text/html")].iter().chain(headers) {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// How often each payment was made, by what its nodes say.
    pub(crate) async fn paid(&self) -> HashMap<u32, u32> {
        let mut paid = HashMap::new();
        for node in &self.nodes {
            let list = node.http.get(format!("{}/paid", node.url)).send().await.unwrap().text().await.unwrap();
            for line in list.lines() {
                *paid.entry(line.parse().unwrap()).or_insert(0) += 1;
            }
        }
        paid
    }

    /// Tries like a user who presses the button again, until it is paid or a new proof is asked for.
    pub(crate) async fn insist(&self, payment: &Payment) -> Answer {
        let start = Instant::now();
        let mut node = 0;
        loop {
            let answer = self.pay(payment, node % self.nodes.len()).await;
            if matches!(answer, Answer::Paid | Answer::Challenged) || start.elapsed() > PATIENCE {
                return answer;
            }
            node += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Payment {
    fn keep_cookies(&mut self, response: &Response) {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    fn cookies(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}
