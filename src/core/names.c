/* Words for logs and JSON. */
#include <quicmig/model.h>

const char *quicmig_reason_name(int reason) {
  switch ((quicmig_reason)reason) {
  case QUICMIG_REASON_INITIAL:
    return "initial";
  case QUICMIG_REASON_INTERVAL:
    return "interval";
  case QUICMIG_REASON_BYTES:
    return "bytes";
  case QUICMIG_REASON_PACKETS:
    return "packets";
  case QUICMIG_REASON_MANUAL:
    return "manual";
  case QUICMIG_REASON_EXPLICIT:
    return "explicit";
  case QUICMIG_REASON_PATH_ERROR:
    return "path-error";
  case QUICMIG_REASON_RETRY:
    return "retry";
  case QUICMIG_REASON_STALL:
    return "stall";
  case QUICMIG_REASON_DEGRADED:
    return "degraded";
  case QUICMIG_REASON_NETWORK:
    return "network";
  case QUICMIG_REASON_ADAPTIVE:
    return "adaptive";
  }
  return "unknown";
}

const char *quicmig_path_state_name(int state) {
  switch ((quicmig_path_state)state) {
  case QUICMIG_PATH_CLOSED:
    return "closed";
  case QUICMIG_PATH_SPARE:
    return "spare";
  case QUICMIG_PATH_PROBING:
    return "probing";
  case QUICMIG_PATH_ACTIVE:
    return "active";
  case QUICMIG_PATH_DRAINING:
    return "draining";
  case QUICMIG_PATH_FAILED:
    return "failed";
  }
  return "unknown";
}

const char *quicmig_event_name(int type) {
  switch ((quicmig_event_type)type) {
  case QUICMIG_EVENT_PATH_STATE:
    return "path-state";
  case QUICMIG_EVENT_PEER_FORBIDS:
    return "peer-forbids";
  case QUICMIG_EVENT_BUDGET_LEARNED:
    return "budget-learned";
  case QUICMIG_EVENT_GAP_LEARNED:
    return "gap-learned";
  case QUICMIG_EVENT_CLOCK_JUMP:
    return "clock-jump";
  case QUICMIG_EVENT_SOCKET_ERROR:
    return "socket-error";
  case QUICMIG_EVENT_NAT_BUDGET:
    return "nat-budget";
  case QUICMIG_EVENT_NETWORK:
    return "network";
  case QUICMIG_EVENT_VERDICT:
    return "verdict";
  case QUICMIG_EVENT_SILENCE:
    return "silence";
  case QUICMIG_EVENT_SHORTAGE:
    return "shortage";
  }
  return "unknown";
}

const char *quicmig_verdict_name(int verdict) {
  switch ((quicmig_verdict)verdict) {
  case QUICMIG_VERDICT_NONE:
    return "none";
  case QUICMIG_VERDICT_SUSPECTED:
    return "suspected";
  case QUICMIG_VERDICT_THROTTLED:
    return "throttled";
  case QUICMIG_VERDICT_CONGESTED:
    return "congested";
  case QUICMIG_VERDICT_CUT:
    return "cut";
  case QUICMIG_VERDICT_BYTES_LEARNED:
    return "bytes-learned";
  case QUICMIG_VERDICT_AGE_LEARNED:
    return "age-learned";
  case QUICMIG_VERDICT_RELAXED:
    return "relaxed";
  }
  return "unknown";
}
