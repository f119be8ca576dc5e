-- wrk: the method and the size of the body come after `--`; the last line of output is for load.ts.
function init(args)
  wrk.method = args[1]
  if tonumber(args[2]) > 0 then wrk.body = string.rep('x', tonumber(args[2])) end
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{"answered":%d,"bytes":%d,"failed":%d}\n', summary.requests, summary.bytes, failed))
end
