using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Tests;

/// <summary>Large strings are unescaped as the framework's reader does it.</summary>
public sealed class JsonTextTests
{
    [Theory]
    [InlineData("")]
    [InlineData("plain größe 日本語 🎯")]
    [InlineData("\\\"")]
    [InlineData("""\\\\""")]
    [InlineData("""{\"id\":\"bd-1\",\"title\":\"a\\nb\"}\n{\"id\":\"bd-2\"}\n""")]
    [InlineData("""\b\f\n\r\t\/\"\\""")]
    [InlineData("""\u0041\u00e4\u65E5\ud83c\uDFAFx\u0000""")]
    [InlineData("""a\u0041b\u0042c""")]
    public void As_the_reader_does(string escaped)
    {
        var json = Encoding.UTF8.GetBytes($"\"{escaped}\"");
        var reader = new Utf8JsonReader(json);
        reader.Read();
        Encoding.UTF8.GetString(JsonText.Unescape(json.AsSpan()[1..^1])).ShouldBe(reader.GetString());
        JsonText.StringLength([.. json, .. """, "next": 1}"""u8]).ShouldBe(json.Length);
    }

    [Theory]
    [InlineData("\"")]
    [InlineData("\"no end")]
    [InlineData("\"\\")]
    [InlineData("\"\\\"")]
    [InlineData("\"\\x\"")]
    [InlineData("\"\\u12\"")]
    [InlineData("\"\\u12g4\"")]
    [InlineData("\"\\u+123\"")]
    [InlineData("\"a line\nbreak\"")]
    [InlineData("\"a \0 byte\"")]
    public void What_the_reader_refuses_is_no_string(string json)
    {
        Should.Throw<JsonException>(() => JsonDocument.Parse(json));
        JsonText.StringLength(Encoding.UTF8.GetBytes(json)).ShouldBe(0);
    }

    [Theory]
    [InlineData("""\ud83c""")]
    [InlineData("""\ud83cx""")]
    [InlineData("""\ud83c\n\n\n""")]
    [InlineData("""\ud83c\u0041""")]
    [InlineData("""\udfaf\ud83c""")]
    [InlineData("""\ud83c\ud83c\udfaf""")]
    public void Half_a_surrogate_pair_is_refused(string escaped) =>
        Should.Throw<InvalidOperationException>(() => JsonText.Unescape(Encoding.UTF8.GetBytes(escaped)));
}
