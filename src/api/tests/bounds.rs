use super::*;

fn post(site: &Site, headers: &str) -> String {
    format!(
        "POST /api/v1/tenants/contoso/pause HTTP/1.1\r\nHost: {}\r\n\
         Authorization: Bearer approves\r\n{headers}\r\n",
        site.address
    )
}

/// Sends a text and reads the answer while whatever follows may still be on its way.
async fn converse(site: &Site, text: &str) -> Answer {
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    Answer::parse(&String::from_utf8(read).unwrap())
}

#[tokio::test]
async fn a_large_body_is_refused_before_it_is_read() {
    let site = Site::new().await;
    let json = "Content-Type: application/json\r\n";
    // Nothing of the 100 MB is ever sent: the head is enough to refuse it.
    let head = post(&site, &format!("{json}Content-Length: 104857600\r\n"));
    let answer = converse(&site, &head).await;
    assert_eq!((answer.status, answer.problem().as_str()), (413, "too-large"));
    assert_eq!(answer.headers["connection"], "close");
    // Nobody says how much comes.
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let head = post(&site, &format!("{json}Transfer-Encoding: chunked\r\n"));
    let answer = converse(&site, &format!("{head}{chunk}1\r\n \r\n")).await;
    assert_eq!(answer.problem(), "too-large");
}

#[tokio::test]
async fn a_body_is_json_and_says_so() {
    let site = Site::new().await;
    for (headers, body, status, word) in [
        ("Content-Type: text/plain", "{}", 415, "not-json"),
        ("X-Nothing: at all", "{}", 415, "not-json"),
        ("Content-Type: application/json", "{", 400, "bad-json"),
        ("Content-Type: application/json", "", 400, "bad-json"),
        ("Content-Type: application/json; charset=utf-8", "[]", 422, "does-not-fit"),
    ] {
        let headers = [
            format!("Host: {}", site.address),
            "Authorization: Bearer approves".to_owned(),
            headers.to_owned(),
        ];
        let answer = site.send("POST", "/api/v1/tenants/contoso/pause", &headers, body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, word), "{body}");
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let site = Site::new().await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    // Time passes for the timers alone: nothing else here waits for any.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let mut read = Vec::new();
    let ended = stream.read_to_end(&mut read);
    assert!(tokio::time::timeout(Duration::from_mins(1), ended).await.is_ok());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn too_long_a_head_is_refused() {
    let site = Site::new().await;
    let long = format!("X-Long: {}\r\n", "x".repeat(400_000));
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    // The connection may end before all of it is sent, and before the answer is read.
    let _ = stream.write_all(post(&site, &long).as_bytes()).await;
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read).await;
    let status = Answer::parse(&String::from_utf8(read).unwrap()).status;
    assert!(matches!(status, 0 | 431), "{status}");
}

#[tokio::test]
async fn what_is_asked_at_once_has_a_bound() {
    let site = Site::new().await;
    // Each holds a slot, waiting for a body that does not come.
    let mut held = Vec::new();
    for _ in 0..super::super::REQUESTS_MAX {
        let head = post(&site, "Content-Type: application/json\r\nContent-Length: 9\r\n");
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    let busy = async {
        loop {
            let answer = site.get("/api/v1/status").await;
            if answer.status != 200 {
                break answer;
            }
        }
    };
    let busy = tokio::time::timeout(Duration::from_secs(8), busy).await.unwrap();
    assert_eq!((busy.status, busy.problem().as_str()), (503, "busy"));
    assert_eq!(busy.headers["retry-after"], "1");
    assert_eq!(site.ask("GET", "/healthz", "", None).await.status, 200);
    drop(held);
}

#[tokio::test]
async fn a_stop_ends_the_listening_at_once() {
    let site = Site::new().await;
    // Somebody keeps a connection open and says nothing.
    let idle = TcpStream::connect(site.address).await.unwrap();
    assert_eq!(site.get("/api/v1/status").await.status, 200);
    site.stop.ask();
    let ended = tokio::time::timeout(Duration::from_secs(3), site.serving).await;
    assert!(ended.unwrap().unwrap().is_ok());
    assert!(TcpStream::connect(site.address).await.is_err());
    drop(idle);
}
