-- Writes ARGV[2], a version of 8 bytes and the value, for ARGV[3] milliseconds, if the record has the version ARGV[1], or if
-- there is none and ARGV[1] is empty. 1: written; 0: somebody else was faster.
local found = redis.call('GETRANGE', KEYS[1], 0, 7)
-- Too short to be a record of ours: there is none.
if #found < 8 then found = '' end
if found == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
-- The answer to this very write was lost, and it is asked for again.
if found == string.sub(ARGV[2], 1, 8) then return 1 end
return 0
