/* The hop record as one line of JSON. */
#include <quicmig/model.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* Milliseconds with three decimals, whatever the locale's decimal point. */
#define MS_FORMAT "%" PRIu64 ".%03u"
#define MS_ARGS(d)                                                             \
  (d) / QUICMIG_MILLISECOND,                                                   \
      (unsigned)((d) % QUICMIG_MILLISECOND / QUICMIG_MICROSECOND)

static bool has_next(const quicmig_hop_record *r) {
  return r->next_at != QUICMIG_NEVER && r->next_at >= r->started_at;
}

int quicmig_hop_record_json(const quicmig_hop_record *r, char *dest,
                            size_t destlen) {
  quicmig_duration next =
      has_next(r) ? r->next_at - r->started_at : QUICMIG_MILLISECOND;

  return snprintf(
      dest, destlen,
      "{\"time\":" MS_FORMAT ",\"name\":\"quicmig:hop\",\"seq\":%" PRIu64
      ",\"reason\":\"%s\",\"mode\":\"%s\",\"result\":\"%s\",\"errno\":%d,"
      "\"from_id\":%u,\"to_id\":%u,\"from_port\":%u,\"to_port\":%u,"
      "\"from_remote_port\":%u,\"to_remote_port\":%u,"
      "\"open_ms\":" MS_FORMAT ",\"validate_ms\":" MS_FORMAT
      ",\"gap_ms\":" MS_FORMAT
      ",\"late\":%u,\"rescued\":%u,\"cwnd_before\":%" PRIu64
      ",\"cwnd_after\":%" PRIu64 ",\"srtt_before_ms\":" MS_FORMAT
      ",\"srtt_after_ms\":" MS_FORMAT ",\"next_in_ms\":%s" MS_FORMAT "}",
      MS_ARGS(r->started_at), r->seq, quicmig_reason_name((int)r->reason),
      r->mode == QUICMIG_MODE_MIGRATE ? "migrate" : "rebind",
      quicmig_err_name(r->result), r->sys_errno, r->from_id, r->to_id,
      r->from_port, r->to_port, r->from_remote_port, r->to_remote_port,
      MS_ARGS(r->open_time), MS_ARGS(r->validate_time), MS_ARGS(r->gap),
      r->late_packets, r->rescued_packets, r->cwnd_before, r->cwnd_after,
      MS_ARGS(r->srtt_before), MS_ARGS(r->srtt_after), has_next(r) ? "" : "-",
      MS_ARGS(next));
}
