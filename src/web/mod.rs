//! HTTP: doors to ingest, to pages and to figures. What hyper knows stays in this room.

mod api;
mod beacon;
mod body;
mod client;
mod cors;
mod embedded;
mod health;
mod read;
mod respond;
mod routes;
pub mod server;
