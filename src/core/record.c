/* The hop record as one line of JSON. */
#include <quicmig/model.h>

#include <inttypes.h>
#include <stdio.h>

static double to_ms(quicmig_duration d) {
  return (double)d / (double)QUICMIG_MILLISECOND;
}

int quicmig_hop_record_json(const quicmig_hop_record *r, char *dest,
                            size_t destlen) {
  return snprintf(
      dest, destlen,
      "{\"time\":%.3f,\"name\":\"quicmig:hop\",\"seq\":%" PRIu64
      ",\"reason\":\"%s\",\"mode\":\"%s\",\"result\":\"%s\",\"errno\":%d,"
      "\"from_id\":%u,\"to_id\":%u,\"from_port\":%u,\"to_port\":%u,"
      "\"open_ms\":%.3f,\"validate_ms\":%.3f,\"gap_ms\":%.3f,"
      "\"late\":%u,\"rescued\":%u,\"cwnd_before\":%" PRIu64
      ",\"cwnd_after\":%" PRIu64
      ",\"srtt_before_ms\":%.3f,\"srtt_after_ms\":%.3f,\"next_in_ms\":%.3f}",
      to_ms(r->started_at), r->seq, quicmig_reason_name((int)r->reason),
      r->mode == QUICMIG_MODE_MIGRATE ? "migrate" : "rebind",
      quicmig_err_name(r->result), r->sys_errno, r->from_id, r->to_id,
      r->from_port, r->to_port, to_ms(r->open_time), to_ms(r->validate_time),
      to_ms(r->gap), r->late_packets, r->rescued_packets, r->cwnd_before,
      r->cwnd_after, to_ms(r->srtt_before), to_ms(r->srtt_after),
      r->next_at == QUICMIG_NEVER || r->next_at < r->started_at
          ? -1.0
          : to_ms(r->next_at - r->started_at));
}
