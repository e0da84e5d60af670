//! All that is known of one request once its caller is identified.

use std::net::IpAddr;

use jiff::Timestamp;

use super::identity::Caller;
use crate::error::Language;
use crate::ids::RequestId;
use crate::model::caller::Purpose;

/// The context of one request: travels from the handler to the trace.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who calls.
    pub caller: Caller,
    /// Why (TRE_R248).
    pub purpose: Purpose,
    /// The reason given for an emergency.
    pub reason: Option<String>,
    /// Echoed or minted.
    pub request_id: RequestId,
    /// The instant of the request by the domain clock: rules and traces use this one value.
    pub at: Timestamp,
    /// The client's network address.
    pub address: Option<IpAddr>,
    /// The language of human texts.
    pub language: Language,
}
