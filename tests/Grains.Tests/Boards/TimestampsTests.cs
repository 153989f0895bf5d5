using System.Globalization;
using Beadhub.Boards;

namespace Beadhub.Grains.Tests.Boards;

public class TimestampsTests
{
    [Theory]
    [InlineData("2025-12-09T19:54:41.84706+01:00", "2025-12-09T18:54:41.8470600Z")]
    [InlineData("2026-03-08T15:14:59Z", "2026-03-08T15:14:59.0000000Z")]
    [InlineData("2026-03-08t15:14:59z", "2026-03-08T15:14:59.0000000Z")]
    [InlineData("2026-03-08 15:14:59", "2026-03-08T15:14:59.0000000Z")]
    [InlineData("2026-03-08T15:14", "2026-03-08T15:14:00.0000000Z")]
    [InlineData("2026-03-08", "2026-03-08T00:00:00.0000000Z")]
    [InlineData("2026-03-08T15:14:59.1Z", "2026-03-08T15:14:59.1000000Z")]
    [InlineData("2026-03-08T15:14:59.1234567Z", "2026-03-08T15:14:59.1234560Z")]
    [InlineData("2026-03-08T15:14:59.123456789+00:00", "2026-03-08T15:14:59.1234560Z")]
    [InlineData("2026-03-08T15:14:59.123456789123456789Z", "2026-03-08T15:14:59.1234560Z")]
    [InlineData("2026-03-08T00:30:00-05:30", "2026-03-08T06:00:00.0000000Z")]
    [InlineData("2026-03-08T00:30:00+0530", "2026-03-07T19:00:00.0000000Z")]
    [InlineData("2026-03-08T00:30:00+05", "2026-03-07T19:30:00.0000000Z")]
    [InlineData("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.0000000Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000000Z")]
    [InlineData("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999990Z")]
    public void Iso_times_become_utc_in_whole_microseconds(string text, string utc)
    {
        var time = Timestamps.Parse(text).ShouldNotBeNull();
        time.Offset.ShouldBe(TimeSpan.Zero);
        time.UtcDateTime.ToString("o", CultureInfo.InvariantCulture).ShouldBe(utc);
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2026-13-01")]
    [InlineData("2026-02-29")]
    [InlineData("2026-00-10")]
    [InlineData("0000-01-01")]
    [InlineData("2026-3-8")]
    [InlineData("2026-03-08T24:00:00Z")]
    [InlineData("2026-03-08T12:60:00Z")]
    [InlineData("2026-03-08T12:00:60Z")]
    [InlineData("2026-03-08T12:00:00.Z")]
    [InlineData("2026-03-08T12:00:00+")]
    [InlineData("2026-03-08T12:00:00+24:00")]
    [InlineData("2026-03-08T12:00:00+01:0")]
    [InlineData("2026-03-08T12:00:00ZZ")]
    [InlineData("2026-03-08T12")]
    [InlineData("2026-03-08T")]
    [InlineData("2026-03-08X12:00:00")]
    [InlineData("0001-01-01T00:00:00+01:00")]
    [InlineData("9999-12-31T23:59:59-01:00")]
    [InlineData("２０２６-03-08")]
    public void What_is_no_time_or_cannot_be_stored_is_none(string text) => Timestamps.Parse(text).ShouldBeNull();
}
