//! The connection data actix-web hands to `on_connect` is what `Tls::peer` reads.

use std::sync::Arc;

use actix_web::{App, HttpRequest, HttpServer, web};
use espace::http::tls::Peer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Connection, TLS12, TLS13, tls};
use crate::support::pki::pki;

async fn whoami(request: HttpRequest) -> String {
    let peer = request.conn_data::<Arc<Peer>>();
    peer.and_then(|peer| peer.certificate().structure.clone()).map(|id| id.to_string()).unwrap_or_default()
}

#[actix_web::test]
async fn a_handler_sees_the_structure_of_the_live_certificate() {
    let scratch = pki().scratch();
    let tls = tls(scratch.path());
    let hook = tls.clone();
    let server = HttpServer::new(|| App::new().route("/", web::get().to(whoami)))
        .on_connect(move |connection, data| {
            if let Some(peer) = hook.peer(connection) {
                data.insert(peer);
            }
        })
        .workers(1)
        .bind_rustls_0_23("127.0.0.1:0", tls.server_config())
        .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    for (name, version, structure) in [("labo", TLS13, "1120459876"), ("hopital", TLS12, "1750803447")] {
        let mut connection = Connection::open(address, pki().client(Some(name), version)).await.unwrap().0;
        connection.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        let _ = connection.read_to_string(&mut answer).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with(structure), "{answer}");
    }
    handle.stop(false).await;
    assert_eq!(tls.handshakes().accepted, 2);
}
